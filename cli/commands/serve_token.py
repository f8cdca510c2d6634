"""Who may see and start runs over `drugsync serve`: whoever has the token that it printed.

Its port is open to every user and program of the machine; the token is in the terminal of one.
"""

import hashlib
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

COOKIE = "drugsync"
CLOSED = "open the address that drugsync serve printed, and try again from there"


class Token:
    """Made anew by each `drugsync serve`. A browser keeps it in a cookie that no script reads."""

    def __init__(self) -> None:
        self.value = secrets.token_urlsafe(24)
        self.of_form = hashlib.sha256(f"form {self.value}".encode()).hexdigest()
        """What a form sends besides the cookie, so that no other page can make one."""

    def is_it(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.value.encode())

    def is_form(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.of_form.encode())

    def let_in(self, cookie: str) -> bool:
        """Whether a request's Cookie header has it."""
        try:
            found = SimpleCookie(cookie).get(COOKIE)
        except CookieError:
            return False
        return found is not None and self.is_it(found.value)

    @property
    def set_cookie(self) -> str:
        return f"{COOKIE}={self.value}; Path=/runs; HttpOnly; SameSite=Strict"
