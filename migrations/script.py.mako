"""${message}

Revision: ${up_revision}
After:${" " if down_revision else ""}${down_revision | comma,n}
Made: ${create_date}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

from hearings import ddl

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
    ddl.install(op.get_bind())


def downgrade() -> None:
    ddl.remove(op.get_bind())
    ${downgrades if downgrades else "pass"}
