"""Types of plain data that the records share."""

from __future__ import annotations

import re
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
Tokens: TypeAlias = NDArray[np.int32]
Json: TypeAlias = dict[str, object]  # an object of JSON that nobody has looked into
Span: TypeAlias = tuple[float, float]  # start, end in seconds of the audio

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # the well-formed BCP-47 tags that occur for speech
