"""Names of variables, options, headers and keys whose values are likely secrets."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

# Names are compared word by word, so that MAX_TOKENS, TOKENIZERS_PARALLELISM and KEYBOARD_LAYOUT stay readable.
SECRET = frozenset(
    {"apikey", "secret", "secrets", "password", "passwd", "passphrase", "passcode", "credential", "credentials"}
    | {"authorization", "cookie", "webhook", "privatekey", "accesskey", "authtoken", "passwort"}
    | {"otp", "mnemonic", "psk", "presharedkey", "phpsessid", "jsessionid", "requirepass", "masterauth", "crumb"}
    | {"storepass", "keypass"}
)
# Parts of a word that mean the same wherever they stand: PGPASSWORD, userpassword, clientsecret.
STEMS = (
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "clientsecret",
    "streamkey",
    "speechkey",
)
# Here stop_token and limits_key are ordinary settings: these words count in the name of a variable (upper case) or
# after a word that makes them a credential.
AMBIGUOUS = frozenset(
    {"key", "token", "tokens", "keys", "pass", "auth", "pin", "sig", "signature", "dsn", "sessionid", "sid"}
    | {"pw", "license", "licence", "serial", "certificate", "pat", "subscription", "code"}
)
_QUALIFIER = frozenset(
    {"api", "access", "auth", "secret", "private", "refresh", "bearer", "hf", "github", "gitlab", "session", "signing"}
    | {"client", "service", "account", "openai", "azure", "aws", "encryption", "license", "id", "oauth", "csrf", "xsrf"}
    | {"subscription", "functions", "security", "db", "database", "user", "admin", "root", "smtp", "ssh", "deploy"}
    | {
        "master",
        "shared",
        "storage",
        "webhook",
        "bot",
        "slack",
        "discord",
        "telegram",
        "npm",
        "pypi",
        "vault",
        "app",
        "job",
        "stream",
        "pre",
        "verification",
        "recovery",
        "devops",
        "git",
    }
)
_QUIET = frozenset({"license", "licence", "serial", "certificate", "subscription", "code", "pat"})  # LANG_CODE = "en"
_PUBLIC_NAMES = frozenset({"OLDPWD", "SSH_AUTH_SOCK"})
_USER_AND_PASSWORD = re.compile(r"[\w.-]{1,40}:\S{6,}")
_LIKE_A_PASSWORD = re.compile(r"(?![\d.,]+\w{0,3}$)(?=.*[A-Za-z].*[A-Za-z])(?=.*\d)[^\s/\\]{8,}")
_RANDOM = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9_+/=.~-]{16,}")


@lru_cache(maxsize=4096)  # the same few names stand in every record of a run
def certain(name: str) -> bool:
    """Return whether a name can mean nothing but a secret, whatever its value looks like."""
    if name in _PUBLIC_NAMES:
        return False
    return not SECRET.isdisjoint(words_of_key(name)) or any(
        stem in re.sub(r"[^a-z]", "", name.lower()) for stem in STEMS
    )


def looks_secret(name: str, value: str = "") -> bool:
    """Return whether a variable, option or key of this name likely holds a secret (``value`` helps to decide)."""
    if name in _PUBLIC_NAMES:
        return False
    if certain(name):
        return True
    words = words_of_key(name)
    if words and words[-1] == "pwd":  # of a database, unless it is the working directory
        return bool(value) and not value.startswith(("/", "~", "."))
    if (
        words and words[-1].endswith(("pass", "pw")) and _LIKE_A_PASSWORD.fullmatch(value)
    ):  # "forward_pass: 0.12 s" is a figure
        return True
    if AMBIGUOUS.isdisjoint(words) or value.isdecimal():  # "token = 128258" is speech
        return False
    if "auth" in words and _USER_AND_PASSWORD.fullmatch(value):
        return True
    if words[0] == "x" and words[-1] in AMBIGUOUS:  # a header
        return True
    qualified = any(a in _QUALIFIER and b in AMBIGUOUS for a, b in pairwise(words))
    if words[-1] in _QUIET and _RANDOM.fullmatch(value):
        return True
    loud = name.isupper() and words[-1] not in _QUIET
    return qualified or loud or (len(words) == 1 and _RANDOM.fullmatch(value) is not None)


@lru_cache(maxsize=4096)
def words_of_key(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``dbPassword``, ``DB_PASSWORD`` and ``db-password`` have two."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word)
