"""Secrets known by their shape: tokens of services, keys, addresses with a password in them.

Beside these patterns stand those of detect-secrets, which is kept up to date by others.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

MARK = "[redacted]"
_SCANNERS = (
    ("artifactory", "ArtifactoryDetector"),
    ("aws", "AWSKeyDetector"),
    ("azure_storage_key", "AzureStorageKeyDetector"),
    ("cloudant", "CloudantDetector"),
    ("discord", "DiscordBotTokenDetector"),
    ("github_token", "GitHubTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"),
    ("ibm_cloud_iam", "IbmCloudIamDetector"),
    ("ibm_cos_hmac", "IbmCosHmacDetector"),
    ("jwt", "JwtTokenDetector"),
    ("mailchimp", "MailchimpDetector"),
    ("npm", "NpmDetector"),
    ("openai", "OpenAIDetector"),
    ("pypi_token", "PypiTokenDetector"),
    ("sendgrid", "SendGridDetector"),
    ("slack", "SlackDetector"),
    ("softlayer", "SoftlayerDetector"),
    ("square_oauth", "SquareOAuthDetector"),
    ("stripe", "StripeDetector"),
    ("telegram_token", "TelegramBotTokenDetector"),
    ("twilio", "TwilioKeyDetector"),
)


@lru_cache(maxsize=1)
def _shapes() -> tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...]:
    """Words, one of which must stand in the text, pattern, and what replaces its match."""
    text = resources.files("harness").joinpath("data", "secret_shapes.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["shape"]
    return tuple(
        (tuple(row["words"]), re.compile(row["pattern"], re.M), row["keep"].replace("{mark}", MARK)) for row in rows
    )


def redact_shapes(text: str) -> str:
    """Return ``text`` with everything replaced that has the shape of a secret."""
    lower = text.lower()
    for words, pattern, mark in _shapes():
        if not words or any(word in lower for word in words):
            text = pattern.sub(mark, text)
    for secret in sorted(set(_scanned(text)), key=len, reverse=True):
        text = text.replace(secret, MARK)
    return text


def _scanned(text: str) -> Iterator[str]:
    """Secrets that detect-secrets sees, line by line."""
    for line in text.splitlines():
        if len(line) < 12:
            continue
        for plugin in _plugins():
            for secret in plugin.analyze_string(line):
                if len(secret) >= 8 and MARK not in secret:
                    yield secret


@lru_cache(maxsize=1)
def _plugins() -> tuple[BasePlugin, ...]:
    """Return the scanner's patterns of single services; its guesses by entropy or name would strike ordinary logs."""
    from importlib import import_module

    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _SCANNERS)
