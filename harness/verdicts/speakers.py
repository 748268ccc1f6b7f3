"""The voices of a run, from the speaker embeddings of its chunks: one, or several that are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

ONE_VOICE = 0.75  # of the chunks in one cluster: the others are strays, not speakers of their own
A_VOICE = 0.1  # of the chunks; a smaller cluster is no speaker
LEAST_CHUNKS_OF_A_VOICE = 5
APART = 0.3  # mean cosine distance between the chunks of two voices; those of one lie nearer
TYPICAL = 0.8  # of the chunks of a voice, those nearest to its middle, make its centroid


@dataclass(frozen=True)
class RunVoices:
    """Which voice each chunk has, and what it is compared with: the centroid of that voice without the chunk itself.

    ``middles`` (shape (voices, embedding), unit vectors), ``sizes`` (chunks) and ``of`` count from the most frequent
    voice, 0.
    """

    middles: Vectors
    sizes: tuple[int, ...]
    of: Mapping[int, int]  # attempt -> voice
    centroids: Mapping[int, tuple[float, ...]]  # attempt -> unit vector
    similarity: Mapping[int, float]  # attempt -> cosine to it

    @property
    def voices(self) -> int:
        """Return how many voices were told apart."""
        return len(self.sizes)

    def doubt(self, voice: int) -> str:
        """Return why a chunk with this voice cannot be judged, empty for the run's main voice."""
        if voice == 0:
            return ""
        return (
            f"its voice is that of {self.sizes[voice]} chunks, {self.sizes[0]} have another: "
            "the run cannot tell which was asked for"
        )

    def nearest(self, embedding: Sequence[float]) -> int:
        """Return the voice that an embedding is most like, also one of too little speech to be compared with it."""
        return int((self.middles @ np.asarray(embedding, np.float64)).argmax())


def run_voices(embeddings: Mapping[int, Sequence[float]], least: int) -> RunVoices | None:
    """Tell the voices of a run apart by average linkage on cosine distance; None with fewer than ``least`` embeddings.

    Where three quarters of the chunks sound alike, all are compared with that voice. Otherwise each is compared with
    its own cluster, and those of no cluster of a tenth of the run with the nearest one.
    """
    numbers = sorted(embeddings)
    if len(numbers) < least:
        return None
    vectors = np.array([embeddings[number] for number in numbers], np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(norms, 1e-12)
    groups = _groups(vectors)
    if not groups:
        return None
    typical = [group[_typical(vectors[group])] for group in groups]
    sums = np.array([vectors[chunks].sum(axis=0) for chunks in typical])
    middles = _unit(sums)
    nearest = (middles @ vectors.T).argmax(axis=0)
    own = {int(i): place for place, group in enumerate(groups) for i in group}
    among = [set(chunks.tolist()) for chunks in typical]
    centroids, similarity, of = {}, {}, {}
    for i, number in enumerate(numbers):
        of[number] = place = own.get(i, int(nearest[i]))
        middle = _unit(sums[place] - vectors[i] if i in among[place] else sums[place])
        centroids[number] = tuple(np.round(middle, 6).tolist())
        similarity[number] = float(middle @ vectors[i])
    sizes = tuple(sum(place == one for place in of.values()) for one in range(len(groups)))
    return RunVoices(middles, sizes, of, centroids, similarity)


def _groups(vectors: Vectors) -> list[NDArray[np.int64]]:
    """Return the indices of the chunks of each voice."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = np.clip(1 - vectors @ vectors.T, 0, 2)
    np.fill_diagonal(apart, 0)
    labels = fcluster(linkage(squareform(apart, checks=False), "average"), APART, "distance")
    clusters = sorted((np.flatnonzero(labels == one) for one in np.unique(labels)), key=len, reverse=True)
    if len(clusters[0]) >= ONE_VOICE * len(vectors):
        return clusters[:1]
    least = max(LEAST_CHUNKS_OF_A_VOICE, A_VOICE * len(vectors))
    return [cluster for cluster in clusters if len(cluster) >= least]


def _typical(vectors: Vectors) -> NDArray[np.bool_]:
    """Say which chunks of a voice are the nearest to its middle; they make its centroid."""
    near = vectors @ np.median(vectors, axis=0)
    chosen: NDArray[np.bool_] = near >= np.quantile(near, 1 - TYPICAL)
    return chosen


def _unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return scaled
