"""Names of the kernel language, for the functions of this folder that are written in it.

Such a function is never run by Python: `compile.native` compiles its text. Its words are those of
`compile/_kernel_language.py` and `compile/_engine_words.py`, which this file names so that tools know them.
"""

from __future__ import annotations

from typing import Any

Pointer = Any
at: Any = None
bool_at: Any = None
column_at: Any = None
call: Any = None
call_plain: Any = None
exp: Any = None
exp64: Any = None
fetch_add: Any = None
first_word: Any = None
float32_at: Any = None
float64: Any = None
float64_at: Any = None
int32: Any = None
int32_at: Any = None
int64: Any = None
int64_at: Any = None
load: Any = None
load_acquire: Any = None
log: Any = None
log64: Any = None
math: Any = None
normal: Any = None
pause: Any = None
prefetch: Any = None
real: Any = None
real_at: Any = None
second_word: Any = None
store: Any = None
target_at: Any = None
uint8: Any = None
uint8_at: Any = None
uint16: Any = None
uint16_at: Any = None
uint32: Any = None
uint32_at: Any = None
uniform: Any = None
value_at: Any = None
word: Any = None
one: Any = None
zero: Any = None
