"""Who must hear of it: messages in the house and by mail, invitations and their answers, the worker."""
