"""The GPU's kernel for pixels in windows: product, window mask and arg-max in one program.

`fused` launches it. One program holds a block of query pixels of one exemplar and walks over
blocks of the exemplar's pixels, the keys; a block of similarities lives in registers only, and for
every window the best score and position so far are kept. Key blocks out of reach of the small
windows are visited for the whole image alone, or not at all. The only module that imports Triton.
"""

# pyright: reportArgumentType=false, reportAssignmentType=false, reportAttributeAccessIssue=false
# pyright: reportGeneralTypeIssues=false
# Kernels are Python by syntax alone, and their types are Triton's.

from __future__ import annotations

import triton
import triton.language as tl

# Below every similarity, and a power of two, so that it survives packing.
_NONE = tl.constexpr(-(2.0**100))


@triton.jit
def match_block(
    query,  # (HW, DEPTH) float32
    exemplars,  # (R, HW, DEPTH) float32
    query_rounded,  # the same in the precision of the products
    exemplars_rounded,
    score,  # (R, T, HW) float32, written
    position,  # (R, T, HW) int64, written
    HEIGHT: tl.constexpr,
    WIDTH: tl.constexpr,
    DEPTH: tl.constexpr,  # a multiple of CHUNK
    WINDOWS: tl.constexpr,  # T ascending sides; 0, the whole image, comes last
    LARGEST: tl.constexpr,  # the largest of them, 0 where only the whole image is asked for
    QUERIES: tl.constexpr,  # query pixels a program
    KEYS: tl.constexpr,  # exemplar pixels a step
    CHUNK: tl.constexpr,  # channels a product
    PRODUCTS: tl.constexpr,  # the products' precision: ieee or tf32
    PACKED: tl.constexpr,  # whether the maximum carries its position in its last bits
):
    """Every window's best match for one block of query pixels in one exemplar (grid axes 0, 1)."""
    pixels: tl.constexpr = HEIGHT * WIDTH
    count: tl.constexpr = len(WINDOWS)
    small: tl.constexpr = count - (WINDOWS[count - 1] == 0)
    begin = tl.program_id(0) * QUERIES
    rank = tl.program_id(1).to(tl.int64)
    slot = begin + tl.arange(0, QUERIES)
    # Pixels past the end repeat the last one: no load needs a mask, and no maximum changes.
    row = tl.minimum(slot, pixels - 1)
    keys = exemplars_rounded + rank * pixels * DEPTH
    held = _rows(query_rounded, row, 0, DEPTH, CHUNK)

    # In reading order a window's pixels lie within its reach times WIDTH + 1 of its centre: keys
    # before and after those of the largest small window are visited for the whole image alone.
    end = tl.minimum(begin + QUERIES, pixels)
    first_near = tl.maximum(begin - (LARGEST // 2) * (WIDTH + 1), 0)
    end_near = tl.minimum(end + (LARGEST - 1 - LARGEST // 2) * (WIDTH + 1), pixels)
    edges = (0, first_near // KEYS * KEYS, tl.cdiv(end_near, KEYS) * KEYS, pixels)
    if LARGEST == 0:
        edges = (0, 0, 0, pixels)

    nothing = (tl.full((QUERIES,), _NONE, tl.float32), row)
    best = (nothing,)
    for _ in tl.static_range(count - 1):
        best = best + (nothing,)  # noqa: RUF005 (Triton's tuples)
    for part in tl.static_range(3):
        if part == 1 or small < count:
            best = _visit(
                best, edges[part], edges[part + 1], held, query_rounded, keys, row, pixels, WIDTH,
                DEPTH, WINDOWS, 0 if part == 1 else small, QUERIES, KEYS, CHUNK, PRODUCTS, PACKED,
            )  # fmt: skip

    for index in tl.static_range(count):
        found = tl.minimum(best[index][1], pixels - 1)
        similarity = best[index][0]
        if PACKED:
            similarity = _exact(query, row, exemplars + rank * pixels * DEPTH, found, DEPTH)
        out = (rank * count + index) * pixels + slot
        tl.store(score + out, similarity, slot < pixels)
        tl.store(position + out, found.to(tl.int64), slot < pixels)


@triton.jit
def _visit(
    best,
    begin,
    end,
    held,
    query,
    keys,
    row,
    pixels: tl.constexpr,
    WIDTH: tl.constexpr,
    DEPTH: tl.constexpr,
    WINDOWS: tl.constexpr,
    FIRST: tl.constexpr,  # windows before this one are out of reach
    QUERIES: tl.constexpr,
    KEYS: tl.constexpr,
    CHUNK: tl.constexpr,
    PRODUCTS: tl.constexpr,
    PACKED: tl.constexpr,
):
    """The best (score, position) of each window after the keys from begin to end."""
    column = tl.arange(0, KEYS)
    for start in range(begin, end, KEYS):
        key = tl.minimum(start + column, pixels - 1)
        if CHUNK == DEPTH:
            similarity = tl.dot(
                held, tl.trans(_rows(keys, key, 0, DEPTH, CHUNK)), input_precision=PRODUCTS
            )
        else:
            similarity = tl.zeros((QUERIES, KEYS), tl.float32)
            for channel in range(0, DEPTH, CHUNK):
                similarity = tl.dot(
                    _rows(query, row, channel, DEPTH, CHUNK),
                    tl.trans(_rows(keys, key, channel, DEPTH, CHUNK)),
                    similarity,
                    input_precision=PRODUCTS,
                )
        if PACKED:
            similarity = _packed(similarity, column, KEYS)
        side = tl.maximum(
            _before_side((key // WIDTH)[None, :] - (row // WIDTH)[:, None]),
            _before_side((key % WIDTH)[None, :] - (row % WIDTH)[:, None]),
        )
        for index in tl.static_range(FIRST, len(WINDOWS)):
            if WINDOWS[index] == 0:
                seen = similarity
            else:
                seen = tl.where(side < WINDOWS[index], similarity, _NONE)
            top, place = _argmax(seen, KEYS, PACKED)
            # Strictly greater: of equals the earlier block keeps its place.
            better = top > best[index][0]
            now = (
                tl.where(better, top, best[index][0]),
                tl.where(better, start + place, best[index][1]),
            )
            best = best[:index] + (now,) + best[index + 1 :]  # noqa: RUF005
    return best


@triton.jit
def _rows(table, row, channel, DEPTH: tl.constexpr, CHUNK: tl.constexpr):
    """Some channels of some rows of a (…, DEPTH) table."""
    columns = channel + tl.arange(0, CHUNK)
    return tl.load(table + row.to(tl.int64)[:, None] * DEPTH + columns[None, :])


@triton.jit
def _before_side(offset):
    """One less than the smallest window that reaches an offset: 2k for k, 2k − 1 for −k."""
    return (offset * 2) ^ (offset >> 31)


@triton.jit
def _packed(similarity, column, KEYS: tl.constexpr):
    """Similarities whose last bits are replaced by their column, the first column the largest.

    One maximum then finds score and place, at two or three instructions a similarity instead of
    six: on tensor cores the product is so fast that the maxima decide the speed.
    """
    bits = similarity.to(tl.int32, bitcast=True) & -KEYS
    return (bits | (KEYS - 1 - column)[None, :]).to(tl.float32, bitcast=True)


@triton.jit
def _argmax(similarity, KEYS: tl.constexpr, PACKED: tl.constexpr):
    """The greatest similarity of each row and its column."""
    if PACKED:
        bits = tl.max(similarity, 1).to(tl.int32, bitcast=True)
        top = (bits & -KEYS).to(tl.float32, bitcast=True)
        place = KEYS - 1 - (bits & (KEYS - 1))
    else:
        top, place = tl.max(similarity, 1, return_indices=True)
    return top, place


@triton.jit
def _exact(query, row, keys, found, DEPTH: tl.constexpr):
    """The similarity of each query row and the key found for it, in float32."""
    CHUNK: tl.constexpr = min(DEPTH, 64)
    total = tl.zeros(row.shape, tl.float32)
    for channel in range(0, DEPTH, CHUNK):
        pair = _rows(query, row, channel, DEPTH, CHUNK) * _rows(keys, found, channel, DEPTH, CHUNK)
        total += tl.sum(pair, 1)
    return total
