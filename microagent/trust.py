"""What TLS says when a connection fails: the part of it that does not get better by trying again."""

import ssl
from collections.abc import Iterator

from microagent.errors import BackendConnectionError, BackendError, ConfigurationError

# Reasons and libraries of OpenSSL, https://docs.python.org/3/library/ssl.html#ssl.SSLError
NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}
OF_FILES = {"PEM_LIB", "KEY_VALUES_MISMATCH", "NO_CERTIFICATE_OR_CRL_FOUND"}


def untrusted(error: BaseException) -> ConfigurationError | None:
    """
    What is wrong with the server, the certificates or the DSN, or None: it may be better the next time.

    :param error: of a connection that failed, with what caused it
    """
    return next((problem for each in _causes(error) if (problem := _problem(each)) is not None), None)


def doubted(error: BackendError) -> BackendError:
    """A lost connection that was to speak TLS, with what may be the reason: some servers say nothing then."""
    if type(error) is not BackendConnectionError:
        return error
    return BackendConnectionError(f"{error}; does it speak TLS at this port?")


def unusable(error: OSError) -> ConfigurationError:
    """What is wrong with files of certificates that cannot be loaded."""
    why = getattr(error, "reason", None) or error.strerror or str(error)
    return ConfigurationError(f"a certificate file cannot be used: {why}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what led to it; a driver that raises one error again and again makes a circle of that."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _problem(error: BaseException) -> ConfigurationError | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(f"the server's certificate is not trusted: {error.verify_message}")
    if not isinstance(error, ssl.SSLError) or not error.reason:
        return None
    if error.reason in NO_TLS:
        return ConfigurationError("the server does not speak TLS at this port")
    if error.reason in OF_FILES:
        return unusable(error)
    return None
