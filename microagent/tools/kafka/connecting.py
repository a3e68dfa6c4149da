"""How to reach the servers: addresses, encryption and credentials, from the DSN or said otherwise."""

import ssl
from collections.abc import Mapping
from typing import Any

from microagent.dsn import DSN, masked
from microagent.errors import BackendConnectionError, ConfigurationError
from microagent.names import guess
from microagent.tools.kafka.driver import knock
from microagent.tools.kafka.errors import translated
from microagent.trust import doubted, untrusted, unusable

PORT = 9092
CONNECT_TIMEOUT = 5.0  # seconds for a server to take us
TLS_FILES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")
OPTIONS = ("security_protocol", "sasl_mechanism", *TLS_FILES, "idempotent")
TRUTH = ("TRUE", "FALSE")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI")


class Address:
    """
    The servers of a DSN, and how they want to be talked to.

    :param dsn: ``kafka://user:password@host:port,host:port?security_protocol=SASL_SSL&sasl_mechanism=PLAIN``
    :param said: options of the DSN that were given beside it; None: not given
    :param context: for TLS, in place of the files
    :param token_provider: for OAUTHBEARER, the driver's AbstractTokenProvider
    :raises ConfigurationError: if this cannot be understood
    """

    def __init__(
        self,
        dsn: str,
        said: Mapping[str, str | None],
        context: ssl.SSLContext | None,
        token_provider: Any,
    ) -> None:
        parsed = DSN.parse(dsn)
        if not parsed.hosts:
            raise ConfigurationError(f"{masked(dsn)!r} names no host")
        if parsed.path.strip("/"):
            raise ConfigurationError(f"{masked(dsn)!r}: Kafka has nothing that the path {parsed.path!r} could name")
        if unknown := sorted(parsed.options.keys() - set(OPTIONS)):
            raise ConfigurationError(f"a DSN of Kafka has no option {unknown[0]!r}{guess(unknown[0], OPTIONS)}")
        options = {**parsed.options, **{name: value for name, value in said.items() if value is not None}}
        self._hosts = [(host, port or PORT) for host, port in parsed.hosts]
        self._options = _security(options, parsed, context, token_provider)
        self.idempotent = _one_of(TRUTH, "idempotent", options.get("idempotent", "true")) == "TRUE"
        self._files = {name: options[name] for name in TLS_FILES if name in options}

    def options(self) -> dict[str, Any]:
        """
        For each client of the driver.

        :raises ConfigurationError: if a certificate file cannot be used
        """
        servers = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self._hosts]
        return {"bootstrap_servers": servers, **self._trusting()}

    def _trusting(self) -> dict[str, Any]:
        if self._options["security_protocol"].endswith("SSL") and self._options["ssl_context"] is None:
            self._options["ssl_context"] = _context(self._files)
        return self._options

    async def probe(self) -> None:
        """
        Make sure that one of the servers takes us.

        :raises BackendConnectionError: if all are away
        :raises AuthError: if they refuse user, password or mechanism
        :raises ConfigurationError: if a certificate is not trusted
        """
        failure: Exception | None = None
        for host, port in self._hosts:
            try:
                await self._knock(host, port)
            except BackendConnectionError as error:
                failure = failure or error
            else:
                return
        raise failure or BackendConnectionError("no server")

    async def _knock(self, host: str, port: int) -> None:
        try:
            with translated():
                await knock(host, port, request_timeout_ms=round(CONNECT_TIMEOUT * 1000), **self._trusting())
        except BackendConnectionError as error:
            fault = doubted(error) if self._options["security_protocol"].endswith("SSL") else error
            raise untrusted(error) or fault from error.__cause__


def _security(
    options: Mapping[str, str], dsn: DSN, context: ssl.SSLContext | None, token_provider: Any
) -> dict[str, Any]:
    uses_tls = context is not None or any(name in options for name in TLS_FILES)
    uses_sasl = dsn.username is not None or token_provider is not None or "sasl_mechanism" in options
    fitting = f"{'SASL_' if uses_sasl else ''}{'SSL' if uses_tls else 'PLAINTEXT'}"
    protocol = _one_of(PROTOCOLS, "security_protocol", options.get("security_protocol", fitting))
    mechanism = "OAUTHBEARER" if token_provider is not None else "PLAIN"
    mechanism = _one_of(MECHANISMS, "sasl_mechanism", options.get("sasl_mechanism", mechanism))
    if protocol.startswith("SASL") and mechanism not in ("OAUTHBEARER", "GSSAPI") and dsn.password is None:
        raise ConfigurationError(f"{mechanism} needs a user and a password: kafka://user:password@host:port")
    return {
        "security_protocol": protocol,
        "ssl_context": context,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": dsn.username,
        "sasl_plain_password": dsn.password,
        "sasl_oauth_token_provider": token_provider,
    }


def _one_of(known: tuple[str, ...], name: str, value: str) -> str:
    if value.upper() not in known:
        raise ConfigurationError(f"{name}={value!r} has to be one of {', '.join(known)}")
    return value.upper()


def _context(files: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.get("ssl_cafile"))
        if "ssl_certfile" in files:
            context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
    except OSError as error:
        raise unusable(error) from error
    return context
