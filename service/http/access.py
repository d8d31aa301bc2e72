"""Who may ask for what: the check of API keys, the same on the fast path and in Flask.

Without a key file there is nothing to check, and no request pays for it.
"""

from flask import Flask, request

from service.errors import KeyRequired, ManagementForbidden, RateExceeded
from service.http import context
from service.http.context import RequestContext
from service.keys import Key, KeyFile
from service.rates import SHARED, Rates
from vitrine.errors import VitrineError

# Name of the access among the extensions of an application; there is none without keys.
ACCESS = "vitrine.access"

_SCHEME = "bearer"
# A platform may choose one path for health checks and for predictions: only the first need no key.
_OPEN_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


class Access:
    """Checks the API keys of requests.

    Args:
        keys: The keys.
        rates: How often each key has asked; by default, over all workers.
    """

    def __init__(self, keys: KeyFile, *, rates: Rates = SHARED) -> None:
        self._keys = keys
        self._rates = rates
        self._open: frozenset[str] = frozenset()

    def install(self, app: Flask, open_rules: frozenset[str]) -> None:
        """Check every request that Flask answers, before anything else is done for it.

        Args:
            app: The application.
            open_rules: Rules of the paths that need no key to be read.
        """
        app.extensions[ACCESS] = self
        self._open = open_rules
        app.before_request(self._check)

    def _check(self) -> None:
        rule = request.url_rule
        is_open = rule is not None and rule.rule in self._open and request.method in _OPEN_METHODS
        if not is_open:
            self.admit(request.headers.get("Authorization", ""), context.current())

    def admit(self, authorization: str, current: RequestContext) -> None:
        """Find the key of a request, and count the request against the key's rate.

        Args:
            authorization: Header `Authorization` of the request; empty where there is none.
            current: Context of the request, which notes the key.

        Raises:
            KeyRequired: The request has no valid key.
            RateExceeded: The key has sent too many requests.
        """
        key = current.key = self._identify(authorization)
        if key.rate is None:
            return
        wait_seconds = self._rates.take(key.number, key.rate, key.allowed_burst)
        if wait_seconds > 0:
            raise RateExceeded(key.rate, wait_seconds)

    def _identify(self, authorization: str) -> Key:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != _SCHEME:
            raise KeyRequired(is_wrong=False)
        key = self._keys.ring.find(secret.strip())
        if key is None:
            raise KeyRequired(is_wrong=True)
        return key

    def refusal(self, authorization: str) -> VitrineError | None:
        """Return why a request will be refused, whatever it asks for; None where it may not be.

        Nothing is counted: `admit` does that, for requests that are answered.

        Args:
            authorization: Header `Authorization` of the request; empty where there is none.
        """
        try:
            self._identify(authorization)
        except KeyRequired as error:
            return error
        return None

    def withdraw(self, current: RequestContext) -> None:
        """Forget that a request was counted: it is checked again where it is answered."""
        key = current.key
        if key is not None and key.rate is not None:
            self._rates.give_back(key.number, key.rate)

    def check_management(self, key: Key | None) -> None:
        """Check that a key may change what is served.

        Raises:
            ManagementForbidden: It may not.
        """
        if key is None or not key.may_manage:
            raise ManagementForbidden(has_keys=True)
