"""TLS errors that are not worth a retry, as errors for people."""

import ssl
from collections.abc import Iterator

from microagent.errors import BackendConnectionError, BackendError, ConfigurationError

# Reasons and libraries of OpenSSL, https://docs.python.org/3/library/ssl.html#ssl.SSLError
NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}
OF_FILES = {"PEM_LIB", "KEY_VALUES_MISMATCH", "NO_CERTIFICATE_OR_CRL_FOUND"}


def untrusted(error: BaseException) -> ConfigurationError | None:
    """
    The permanent TLS problem behind a failed connection; None if a retry may succeed.

    :param error: of the connection; its causes are examined too
    """
    return next((problem for each in _causes(error) if (problem := _problem(each)) is not None), None)


def doubted(error: BackendError) -> BackendError:
    """The error of a lost TLS connection, with a hint: some servers just close one if they do not speak TLS."""
    if type(error) is not BackendConnectionError:
        return error
    return BackendConnectionError(f"{error}; does it speak TLS at this port?")


def unusable(error: OSError) -> ConfigurationError:
    """The error for certificate or key files that cannot be loaded."""
    why = getattr(error, "reason", None) or error.strerror or str(error)
    return ConfigurationError(f"a certificate file cannot be used: {why}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes; drivers that raise the same error again and again make a cycle of them."""
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
