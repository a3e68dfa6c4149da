"""What the driver raises, as errors of ours."""

from collections.abc import Generator
from contextlib import contextmanager

from aiokafka import errors as driver

from microagent.errors import AuthError, BackendConnectionError, BackendError, ConfigurationError

REFUSED = (
    driver.AuthenticationFailedError,
    driver.SaslAuthenticationFailed,
    driver.UnsupportedSaslMechanismError,
    driver.IllegalSaslStateError,
    driver.TopicAuthorizationFailedError,
    driver.GroupAuthorizationFailedError,
    driver.ClusterAuthorizationFailedError,
)
MISCONFIGURED = (
    driver.InvalidTopicError,
    driver.InvalidGroupIdError,
    driver.InvalidPartitionsError,
    driver.InvalidReplicationFactorError,
    driver.InconsistentGroupProtocolError,
    driver.PolicyViolationError,
)
AWAY = (driver.KafkaConnectionError, driver.KafkaTimeoutError, driver.RequestTimedOutError, OSError, TimeoutError)
GAPS = (driver.OutOfOrderSequenceNumber, driver.UnknownProducerId)
TOO_LARGE = (driver.MessageSizeTooLargeError, driver.RecordTooLargeError, driver.RecordListTooLargeError)


@contextmanager
def translated() -> Generator[None]:
    """Around calls of the driver: what it raises becomes an error of ours, what is one already stays as it is."""
    try:
        yield
    except BackendError:
        raise
    except (driver.KafkaError, OSError) as error:
        raise ours(error) from error


def ours(error: Exception) -> BackendError | ConfigurationError:
    """
    The error of ours that says what the driver's says.

    A plain KafkaError is how it says that it has come to an end itself; only connecting anew helps then.
    """
    text = _text(error)
    match error:
        case driver.InvalidSessionTimeoutError():
            return ConfigurationError(
                "the server does not take this lease: it is the session timeout, which has to lie between its"
                " group.min.session.timeout.ms and group.max.session.timeout.ms"
            )
        case _ if isinstance(error, REFUSED):
            return AuthError(f"the server refuses us: {text}")
        case _ if isinstance(error, MISCONFIGURED):
            return ConfigurationError(text)
        case _ if isinstance(error, TOO_LARGE):
            return BackendError("the message is larger than the server takes (its message.max.bytes)")
        case _ if isinstance(error, AWAY) or getattr(error, "retriable", False) or type(error) is driver.KafkaError:
            return BackendConnectionError(text)
        case _:
            return BackendError(text)


def has_gap(error: Exception) -> bool:
    """Whether a server has not taken what a producer wrote because it misses what that wrote before."""
    return isinstance(error, GAPS)


def may_concern_one(error: Exception) -> bool:
    """Whether messages that a server refuses together may be taken one by one, but for one of them."""
    return isinstance(error, driver.BrokerResponseError) and not error.retriable and not isinstance(error, REFUSED)


def _text(error: Exception) -> str:
    """What an error says of itself, or at least its name."""
    said = " ".join(str(part) for part in error.args if part)
    name = type(error).__name__
    return f"{name}: {said}" if said else name
