"""Makes of a Parquet root one that several versions of the log wrote: versions.py FROM TO

Of the files of FROM one is written as an older version would have, which had fewer columns; one as a newer version would, which
has another column and says so; and one is missing. Prints what is missing, as JSON: writer, first and last number.
"""

import json
import pathlib
import shutil
import sys

import pyarrow
import pyarrow.parquet as pq

OLDER_LACKS = ["reasoning_output_tokens", "feedback_copied", "inter_chunk_p95_us", "training_basis"]


def older(table):
    return table.drop_columns(OLDER_LACKS)


def newer(table):
    table = table.set_column(0, "schema_version", pyarrow.array([2] * table.num_rows, pyarrow.int64()))
    return table.append_column("carbon_grams", pyarrow.array([0.5] * table.num_rows, pyarrow.float64()))


def missing(file):
    seqs = pq.ParquetFile(file).read(["writer_id", "seq"])
    return seqs["writer_id"][0].as_py(), min(seqs["seq"].to_pylist()), max(seqs["seq"].to_pylist())


source, target = map(pathlib.Path, sys.argv[1:])
shutil.copytree(source / "v1", target / "v1")
files = sorted(target.glob("v1/*/*.parquet"), key=lambda file: (-pq.ParquetFile(file).metadata.num_rows, file.name))
for file, change in zip(files, (older, newer)):
    pq.write_table(change(pq.ParquetFile(file).read()), file, compression="zstd")
gone = missing(files[2])
files[2].unlink()
print(json.dumps([gone]))
