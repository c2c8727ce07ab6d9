"""The wafer's own clock under the simple model: a step lasts as long as its busiest patch and the longest way of a packet."""

from __future__ import annotations

from numba import njit

__all__ = ["simple"]


@njit(cache=True, nogil=True)
def simple(fired, arrived, updates, cores, source, contact, share, reached, way, seconds, operations, clock):
    """The clock after some steps more: spikes `fired` and outside spikes `arrived` by (step, population, patch).

    A patch needs (updates · s₀ + operations · s₁ + outside · s₂ + spikes · s₃ + packets · s₄) / its cores, with `seconds` s; operations
    belong to the step whose spikes cause them. `reached` (contacts, patches) says where contact c of each patch goes, `way[p, a]`
    (s) how long the longest of projection p takes from patch a. `operations` is room for a number for each patch.
    """
    patches = fired.shape[2]
    for s in range(fired.shape[0]):
        operations[:] = 0
        far = 0.0
        for p in range(source.size):
            sent = fired[s, source[p]]
            for c in range(contact[p], contact[p + 1]):
                there, many = reached[c], share[c]
                for a in range(patches):
                    operations[there[a]] += many * sent[a]
            for a in range(patches):
                if sent[a] and way[p, a] > far:
                    far = way[p, a]
        most = 0.0
        for b in range(patches):
            spikes, outside, packets = 0, 0, 0
            for q in range(fired.shape[1]):
                spikes += fired[s, q, b]
                outside += arrived[s, q, b]
            for p in range(source.size):
                packets += (contact[p + 1] - contact[p]) * fired[s, source[p], b]
            work = updates[b] * seconds[0] + operations[b] * seconds[1] + outside * seconds[2] + spikes * seconds[3]
            most = max(most, (work + packets * seconds[4]) / cores[b])
        clock += most + far
    return clock
