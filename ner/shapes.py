"""Shapes in signatures: `Float[Tensor, "batch token hidden"]`.

jaxtyping checks them where it is installed (the development tools); elsewhere the same names stand for plain
tensors, so that it is no run-time dependency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
else:
    try:
        from jaxtyping import Bool, Float, Int
    except ImportError:

        class _PlainTensor:
            def __class_getitem__(cls, item: Any) -> Any:
                return item[0]

        Bool = Float = Int = _PlainTensor

__all__ = ["Bool", "Float", "Int"]
