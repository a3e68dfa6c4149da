"""Contracts."""

import microagent as _m

from .queues import AuditMessage as AuditMessage
from .queues import Broker as Broker
from .queues import MailerMessage as MailerMessage
from .queues import MailerMessageSender as MailerMessageSender
from .queues import Queues as Queues
from .queues import queues as queues
from .signals import Bus as Bus
from .signals import OrderPaid as OrderPaid
from .signals import Signals as Signals
from .signals import UserCreated as UserCreated
from .signals import signals as signals


class Agent(_m.MicroAgent[Bus, Broker]):
    """An agent with the bus and the broker of these contracts."""
