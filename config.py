"""Every setting of the house: its name, its default, its legal basis.

Each upper-case name of `Config` is read from the environment as `HEARINGS_<NAME>` (`PORT` also as plain
`PORT`). Rules that differ from district to district are `Rule`s: a value and the text it rests on, shown to
administrators on the settings page. Values from the environment are JSON where they parse as JSON, else text.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Rule:
    """A value a district may set, with the law, regulation or custom that it rests on."""

    value: Any
    basis: str


RULES: dict[str, Rule] = {
    # deadlines (domain.md §2.1)
    "REPLY_MONTHS": Rule(3, "《代表法》第五十一条；浙江省实施《代表法》办法第四十三条：交办之日起三个月内答复"),
    "HARD_MONTHS": Rule(
        6,
        "《代表法》第五十一条；浙江省实施《代表法》办法第四十三条：涉及面较广、处理难度较大的，交办之日起六个月内答复；"
        "须经交办机构同意",
    ),
    "CO_HANDLER_DAYS": Rule(
        30, "会办单位向主办单位提出会办意见的期限，本区做法三十日；省规定（2016）为二个月，上海、青岛为一个月"
    ),
    "REWORK_MONTHS": Rule(1, "浙江省实施《代表法》办法第四十三条：代表不满意的，一个月内重新办理并答复"),
    "RETURN_WORKDAYS": Rule(5, "退办期限，本区做法；省规定（2016）为十日。期满未退回的视为签收"),
    "EXTENSIONS_MOST": Rule(1, "申请延期应在到期前提出，一般以一次为限，通行做法"),
    "CONFIRM_WORKDAYS": Rule(15, "代表反馈期限，参照北京市规定十五个工作日"),
    "NOTICE_DAYS": Rule(3, "联络站接待活动公告期，不少于三日"),
    # reminders
    "REMIND_HEARING_DAYS": Rule([3, 0], "会前三日提醒参会人，当日上午（0）再提醒一次，本区做法"),
    "REMIND_LOOK_BACK_DAYS": Rule([3, 0], "“回头看”前三日提醒参加人，当日上午（0）再提醒一次，本区做法"),
    "REMIND_DUE_WORKDAYS": Rule(
        [7, 3, 1, 0], "承诺和答复到期前七、三、一个工作日提醒承办联系人，到期当日（0）提醒负责人，通行做法"
    ),
    "OVERDUE_DAILY": Rule(3, "逾期后连续三个工作日每日提醒"),
    "OVERDUE_EVERY_DAYS": Rule(7, "此后每七天提醒一次，遇休息日顺延"),
    "OVERDUE_ORGANISER_WORKDAYS": Rule(3, "逾期满三个工作日起同时提醒夜询会组织单位，逐级督办的通行做法"),
    "OVERDUE_LEADER_WORKDAYS": Rule(10, "逾期满十个工作日起同时提醒会议主持领导，逐级督办的通行做法"),
    "REMIND_CONFIRM_WORKDAYS": Rule(5, "代表确认每五个工作日提醒一次"),
    "REMIND_MINUTES_WORKDAYS": Rule(3, "纪要印发三个工作日后部门仍未下载的提醒一次"),
    "QUIET_FROM": Rule("21:00", "夜间不打扰"),
    "QUIET_UNTIL": Rule("08:00", "夜间不打扰"),
    # what people see
    "LIGHT_YELLOW_DAYS": Rule(7, "临期提醒天数，通行做法为到期前七天"),
    "VAGUE_WORDS": Rule(
        ["近期", "尽快", "即将", "适时", "逐步", "抓紧", "争取", "研究解决"],
        "承诺须有措施、责任单位、时限；部门填报指引要求避免使用的模糊用语",
    ),
    "RESULT_CLASSES": Rule(
        {
            "A": "已解决或基本解决",
            "B": "部分解决或列入计划逐步解决",
            "C": "因条件、能力所限近期尚不能解决",
            "D": "未被采纳或留作参考",
        },
        "办理结果类别，参照宁波市海曙区2021年做法",
    ),
    "BALLOT_DENOMINATOR": Rule("issued", "测评基数：issued 发出票；present 实到；valid 有效票"),
    "BALLOT_TIE_PASSES": Rule(True, "恰为半数时视为达到半数"),
    "DRAFTER_MAY_REVIEW": Rule(False, "拟稿人与核稿人一般不为同一人"),
    "OPEN_EARLY_HOURS": Rule(2, "提前两小时以上宣布开会的，再确认一次，防止误点，本区做法"),
    "DEFAULT_START": Rule("19:00", "民生夜询会一般时间"),
    "DEFAULT_END": Rule("21:00", "民生夜询会一般时间"),
    "CODE_PREFIX": Rule("YX", "会议编号前缀，如 YX-2021-09"),
    "RETENTION_PERIOD": Rule("permanent", "国家档案局令第8号：本机关会议纪要、代表建议及答复永久保管（另有 30y、10y）"),
    "SINGLE_SIDED": Rule(False, "公文一般双面印刷；单面印刷时装订边始终在左"),
    "UNDO_MINUTES": Rule(10, "撤销操作的时限"),
    "IDLE_MINUTES": Rule(120, "等保二级：登录会话空闲超时"),
    "PASSWORD_MIN": Rule(8, "等保二级：口令复杂度"),
    "LOGIN_FAILURES": Rule(10, "GB/T 22239-2019（等保）8.1.4.1：限制非法登录次数；不论登录名是否存在，处理相同"),
    "LOCK_MINUTES": Rule(30, "GB/T 22239-2019（等保）8.1.4.1：登录失败处理；期满自动解除，管理员可提前解锁"),
}


class Config:
    """The running product."""

    # What the office calls itself: until an administrator (or the environment) says so, words that fit everywhere.
    OFFICE_NAME = "区人大常委会办公室"
    ORGANISATION = "区人大常委会"
    CONGRESS = "区人大"
    SYSTEM_NAME = "人大代表民生夜询会"
    MINUTES_MARK = "人大代表民生夜询会纪要"
    MINUTES_CC = ["区委办公室", "区政府办公室", "各应询单位", "各街道人大工委"]

    PORT = 5000
    BASE_URL = ""
    UID_HOST = "yexunhui.local"
    """Fixed host part of calendar identifiers; never the request's host (RFC 5545 3.8.4.7)."""
    INSTANCE = str(ROOT / "instance")
    DATABASE_URL = ""
    SECRET_KEY = ""
    DEMO_PASSWORD = ""
    DEMO = 1
    LOG_LEVEL = "INFO"
    PRODUCTION = False
    PROXY_COUNT = 0
    """How many reverse proxies stand before us, for the client's real address in the trail."""
    NEWS_DELAY = 60
    """Seconds an act rests before anybody is told, so that it can be undone."""
    MAIL_HOST = ""
    """The office's mail server (SMTP). Without it the inbox and the calendars still work."""
    MAIL_PORT = 25
    MAIL_SECURITY = ""
    """Empty, `starttls` or `tls`."""
    MAIL_USER = ""
    MAIL_PASSWORD = ""
    MAIL_FROM = ""
    """Our own mailbox; answers come to it, with a seal behind a plus sign."""
    MAIL_TIMEOUT = 20
    MAIL_AUTHSERV = ""
    """The name our mail server writes into Authentication-Results, if it checks DMARC."""
    MAIL_IMAP_HOST = ""
    MAIL_IMAP_PORT = 993
    MAIL_IMAP_SECURITY = "tls"
    """`tls`, `starttls`, or empty inside the machine."""
    MAIL_IMAP_USER = ""
    MAIL_IMAP_PASSWORD = ""
    MAIL_IMAP_FOLDER = "INBOX"
    MAIL_IMAP_MINUTES = 5
    """The worker reads the mailbox so often; 0: only `flask mail fetch` does."""
    ROBOT_URL = ""
    """Webhook of a DingTalk or WeCom group robot."""
    ROBOT_SECRET = ""
    ROBOT_KEYWORD = ""
    """Of a DingTalk robot that takes only messages with this word (自定义关键词)."""
    UPLOAD_MB = 10
    PHOTO_PIXELS = 2000
    PAGE_SIZE = 50

    # what follows is Flask's and its extensions'
    MAX_CONTENT_LENGTH = 160 * 1024 * 1024
    """Far above UPLOAD_MB: a file that is too large gets a sentence at its field, not a page that has lost the rest."""
    MAX_FORM_MEMORY_SIZE = 4 * 1024 * 1024
    MAX_FORM_PARTS = 5000
    BABEL_DEFAULT_LOCALE = "zh_Hans"
    BABEL_DEFAULT_TIMEZONE = "Asia/Shanghai"
    BABEL_DOMAIN = "messages"
    BABEL_TRANSLATION_DIRECTORIES = "locale"
    BOOTSTRAP_SERVE_LOCAL = True
    WTF_CSRF_TIME_LIMIT = None
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    REMEMBER_COOKIE_SAMESITE = "Lax"
    SECURITY_PASSWORD_HASH = "argon2"
    SECURITY_PASSWORD_SCHEMES = ["argon2"]
    SECURITY_PASSWORD_SINGLE_HASH = ["argon2"]
    SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = {"argon2__memory_cost": 19456, "argon2__rounds": 2}
    SECURITY_USERNAME_ENABLE = True
    SECURITY_USERNAME_REQUIRED = True
    SECURITY_USERNAME_MIN_LENGTH = 2
    SECURITY_USER_IDENTITY_ATTRIBUTES = [{"username": {"mapper": "hearings.people.login_name"}}]
    SECURITY_RETURN_GENERIC_RESPONSES = False  # our own form tells nobody which names exist
    SECURITY_REGISTERABLE = False
    SECURITY_RECOVERABLE = False
    SECURITY_CHANGEABLE = True
    SECURITY_CHANGE_URL = "/password"
    SECURITY_SEND_PASSWORD_CHANGE_EMAIL = False
    SECURITY_POST_CHANGE_VIEW = "/continue"
    """What was sent before the sign-in ended goes on once a first password has been changed; else the front page."""
    SECURITY_FLASH_MESSAGES = False  # ours say it, in both languages
    SECURITY_LOGIN_URL = "/login"
    SECURITY_LOGOUT_URL = "/logout"
    SECURITY_VERIFY_URL = "/password/again"
    """The library's own page to sign in anew; /verify is ours and checks papers."""
    SECURITY_LOGOUT_METHODS = ["POST"]
    SECURITY_POST_LOGIN_VIEW = "/"
    SECURITY_POST_LOGOUT_VIEW = "/login"
    SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = False
    SECURITY_I18N_DOMAIN = "messages"

    def __init__(self) -> None:
        for name, rule in RULES.items():
            setattr(self, name, rule.value)
        for name in (n for n in dir(self) if n.isupper()):
            text = os.environ.get(f"HEARINGS_{name}", os.environ.get("PORT") if name == "PORT" else None)
            if text is not None:
                setattr(self, name, _value(text, getattr(self, name)))
        self.SECURITY_PASSWORD_LENGTH_MIN = self.PASSWORD_MIN  # type: ignore[attr-defined]


def _value(text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


class TestConfig(Config):
    """As `Config`, with fast password hashing, no CSRF and a fixed key."""

    __test__ = False
    TESTING = True
    SECRET_KEY = "only for tests"
    OFFICE_NAME = "北仑区人大常委会办公室"
    ORGANISATION = "北仑区人大常委会"
    CONGRESS = "北仑区人大"
    WTF_CSRF_ENABLED = False
    SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = {"argon2__memory_cost": 64, "argon2__rounds": 1}
    BASE_URL = "http://localhost"
