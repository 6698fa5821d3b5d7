"""The words that generated Triton kernels are written in.

In float32 they are those of `_vector_math`, rewritten for blocks: every operation in them is exactly rounded, so a GPU
computes the same bits as the CPU. What is stated here is for float64, and for both where `_vector_math` has nothing.
This module is read, never imported: only its text and that of `_vector_math` matter, with `tl` standing for
`triton.language`.
"""

# ruff: noqa: F821
# mypy: ignore-errors


def div(x, y):
    """Exactly rounded: a quotient in float32 is approximate unless asked otherwise, in float64 there is no choice."""
    return x / y if y.dtype == tl.float64 else tl.div_rn(x, y)


def trunc(x):
    return tl.where(x < 0.0, tl.ceil(x), tl.floor(x))


def nearest(x):
    """The nearest whole number, half to even: float64 has no digits after the point beyond 2^52."""
    size = tl.abs(x).to(tl.float64)
    whole = (size + 4503599627370496.0) - 4503599627370496.0
    whole = tl.where(size < 4503599627370496.0, whole, size).to(x.dtype)
    return tl.where(x < 0.0, -whole, whole)


def atan64(x):
    """Reduced to |x| < 0.66, then a quotient of polynomials (Cephes atan)."""
    size = tl.abs(x)
    far = size > 2.41421356237309504880
    mid = size > 0.66
    r = tl.where(far, -1.0 / size, tl.where(mid, (size - 1.0) / (size + 1.0), size))
    half_pi = tl.full([1], 1.5707963267948966, tl.float64)
    angle = tl.where(far, half_pi, tl.where(mid, 0.5 * half_pi, 0.0 * half_pi))
    lost = tl.where(far, 6.123233995736765886130e-17, tl.where(mid, 3.061616997868382943065e-17, 0.0))
    z = r * r
    p = -8.750608600031904122785e-1
    p = p * z - 1.615753718733365076637e1
    p = p * z - 7.500855792314704667340e1
    p = p * z - 1.228866684490136173410e2
    p = p * z - 6.485021904942025371773e1
    q = z + 2.485846490142306297962e1
    q = q * z + 1.650270098316988542046e2
    q = q * z + 4.328810604912902668951e2
    q = q * z + 4.853903996359136964868e2
    q = q * z + 1.945506571482613964425e2
    result = angle + (r * (z * p / q) + r + lost)
    return tl.where(x < 0.0, -result, result)


def atan2_64(y, x):
    """The angle of the point (x, y), in all four quadrants; the sign of y where that is zero."""
    p, q = tl.abs(x), tl.abs(y)
    low, high = tl.where(p < q, p, q), tl.where(p < q, q, p)
    ratio = tl.where(low == float("inf"), 1.0, tl.where(high == 0.0, low, low / high))
    angle = atan64(ratio)
    angle = tl.where(p < q, 1.5707963267948966 - angle, angle)
    angle = tl.where(x.to(tl.int64, bitcast=True) < 0, 3.141592653589793 - angle, angle)
    angle = tl.where(y.to(tl.int64, bitcast=True) < 0, -angle, angle)
    return tl.where((x == x) & (y == y), angle, float("nan"))


def hypot64(x, y):
    """The larger one times sqrt(1 + ratio^2), which does not overflow before the result does."""
    p, q = tl.abs(x), tl.abs(y)
    low, high = tl.where(p < q, p, q), tl.where(p < q, q, p)
    ratio = tl.where(high == 0.0, 0.0, low / high)
    length = high * tl.sqrt(1.0 + ratio * ratio)
    length = tl.where((x == x) & (y == y), length, float("nan"))
    return tl.where((p == float("inf")) | (q == float("inf")), float("inf"), length)


def fmod64(x, y):
    """x - y trunc(x / y), exact for |x / y| < 2^52 and NaN beyond; the sign of x."""
    u, v = tl.abs(x), tl.abs(y)
    n = tl.floor(u / v)
    # The product n v in two parts (Dekker), so that the difference from u is exact.
    n_high, v_high = 134217729.0 * n, 134217729.0 * v
    n_high, v_high = n_high - (n_high - n), v_high - (v_high - v)
    n_low, v_low = n - n_high, v - v_high
    high = n * v
    low = ((n_high * v_high - high) + n_high * v_low + n_low * v_high) + n_low * v_low
    r = (u - high) - low
    r = tl.where(r < 0.0, r + v, tl.where(r >= v, r - v, r))
    r = tl.where(u < v, u, r)
    known = (u <= v * 4503599627370496.0) & (u < float("inf")) & (v > 0.0)
    r = tl.where(known, r, float("nan"))
    return tl.where(x.to(tl.int64, bitcast=True) < 0, -r, r)


def log2_64(x):
    """Exponent plus logarithm of the mantissa in [sqrt(1/2), sqrt(2)): exact for powers of two."""
    tiny = x < 2.2250738585072014e-308
    bits = tl.where(tiny, x * 18014398509481984.0, x).to(tl.int64, bitcast=True)
    m = ((bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000).to(tl.float64, bitcast=True)
    low = m < 0.7071067811865476
    k = ((bits >> 52) & 2047) - tl.where(low, 1023, 1022) - tl.where(tiny, 54, 0)
    result = k.to(tl.float64) + log64(tl.where(low, m + m, m)) * 1.4426950408889634
    return tl.where((x > 0.0) & (x < float("inf")), result, log64(x))


def pow64(x, y):
    """exp(y log |x|), with a sign for odd whole y; relative error about 1e-16 |y log x|."""
    size = tl.abs(x)
    power = exp64(y * log64(size))
    whole = tl.floor(y) == y
    odd = whole & (tl.floor(0.5 * y) * 2.0 != y)
    power = tl.where(odd & (x.to(tl.int64, bitcast=True) < 0), -power, power)
    power = tl.where((x < 0.0) & (size != float("inf")) & ~whole, float("nan"), power)
    unit = (y == 0.0) | (x == 1.0) | ((x == -1.0) & (tl.abs(y) == float("inf")))
    return tl.where(unit, 1.0, power)


def to_integer(x):
    """Towards zero; beyond 32 bits the nearest integer of 32 bits, and 0 for NaN."""
    inside = tl.abs(x) < 2147483648.0
    whole = tl.where(inside, x, 0.0).to(tl.int32)
    return tl.where(x >= 2147483648.0, 2147483647, tl.where(x <= -2147483648.0, -2147483648, whole))


def floor_div(x, y):
    """Rounded down; 0 where y is 0."""
    a = x.to(tl.int64)
    b = tl.where(y == 0, 1, y).to(tl.int64)
    quotient = a // b
    rest = a - quotient * b
    down = (rest != 0) & ((rest ^ b) < 0)
    return tl.where(y == 0, 0, quotient - down.to(tl.int64)).to(tl.int32)


def remainder(x, y):
    """With the sign of y; 0 where y is 0."""
    return tl.where(y == 0, 0, tl.sub(x, tl.mul(floor_div(x, y), y, False), False))


def shift_left(x, y):
    """0 where y is not in [0, 64)."""
    defined = (y >= 0) & (y < 64)
    shifted = x.to(tl.int64) << tl.where(defined, y, 0).to(tl.int64)
    return tl.where(defined, shifted, 0).to(tl.int32)


def shift_right(x, y):
    """The sign alone is left where y is not in [0, 64)."""
    defined = (y >= 0) & (y < 32)
    return x >> tl.where(defined, y, 31)


def first_word(seed, purpose, entity, step):
    return threefry(seed, purpose, entity, step)[0]


def second_word(seed, purpose, entity, step):
    return threefry(seed, purpose, entity, step)[1]


def threefry(seed, purpose, entity, step):
    """The two words of a draw, as `spikeloom.random` defines them."""
    a, b = seed.to(tl.uint32), purpose.to(tl.uint32)
    c = a ^ b ^ 0x1BD11BDA
    x, y = tl.add(entity.to(tl.uint32), a, False), tl.add(step.to(tl.uint32), b, False)
    x, y = _odd_rounds(x, y, b, c, 1)
    x, y = _even_rounds(x, y, c, a, 2)
    x, y = _odd_rounds(x, y, a, b, 3)
    x, y = _even_rounds(x, y, b, c, 4)
    return _odd_rounds(x, y, c, a, 5)


def _odd_rounds(x, y, key, next_key, number):
    x, y = _round(x, y, 13)
    x, y = _round(x, y, 15)
    x, y = _round(x, y, 26)
    x, y = _round(x, y, 6)
    return _keyed(x, y, key, next_key, number)


def _even_rounds(x, y, key, next_key, number):
    x, y = _round(x, y, 17)
    x, y = _round(x, y, 29)
    x, y = _round(x, y, 16)
    x, y = _round(x, y, 24)
    return _keyed(x, y, key, next_key, number)


def _round(x, y, turn):
    x = tl.add(x, y, False)
    return x, ((y << turn) | (y >> (32 - turn))) ^ x


def _keyed(x, y, key, next_key, number):
    return tl.add(x, key, False), tl.add(tl.add(y, next_key, False), number, False)
