"""Parquet -> blocks, a batch of a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from profilestore.errors import ColumnsError, InputError
from profilestore.ingest.blocks import Block

__all__ = ["read_parquet"]

_BATCH_ROWS: Final = 8192


def read_parquet(path: Path, *, label: str) -> Iterator[Block]:
    """Read a Parquet file; a row's line is its number, from 1.

    Raises:
        InputError: not Parquet, or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, memory_map=False)
        size = path.stat().st_size
        total = max(1, file.metadata.num_rows)
        names = tuple(file.schema_arrow.names)
        if len(set(names)) < len(names):
            raise ColumnsError(f"{label}: names a column more than once.")
        first = 1
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            lines = range(first, first + batch.num_rows)
            first += batch.num_rows
            yield Block(
                file=label,
                names=names,
                cells=[_values(column, pa) for column in batch.columns],
                lines=lines,
                done_bytes=size * (first - 1) // total,
            )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{label}: cannot be read as Parquet ({type(error).__name__}). Is the file complete?"
        ) from error


def _values(column: Any, pa: Any) -> list[Any]:
    """A column as Python values, None where missing. The numpy way is several times quicker than to_pylist."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return list(column.cast(pa.timestamp("us", kind.tz), safe=False).to_pylist())  # as ns they come as pandas' own
    if pa.types.is_timestamp(kind):
        return list(column.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False).tolist())
    if pa.types.is_decimal(kind):
        return [float(value) if isinstance(value, Decimal) else None for value in column.to_pylist()]
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if (plain and column.null_count == 0) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return list(column.to_numpy(zero_copy_only=False).tolist())
    return list(column.to_pylist())
