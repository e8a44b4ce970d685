"""Draws the small cohort in data/phantoms and writes data/README.md about it.

    python scripts/make_data.py

Run again after the drawing has changed, and commit what it gives; the tests say when that is needed.
"""

import collections
import json
import pathlib
import shutil

from medlab.core.provenance import sha256_of
from medlab.phantom.export import MANIFEST, TABLE, write_phantoms

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
CASES, VISITS, SIZE, SEED = 20, 2, 512, 42
"""a seed whose patients fall into all three parts of the split and show every finding, and five of whom are normal"""

README = """# Small data that comes with medlab

`phantoms/`: {cases} synthetic chest X-rays of {size} x {size} pixels, {single} single films and {pairs} pairs of
visits, drawn by `medlab.Phantom` and written by `scripts/make_data.py` (seed {seed}). {megabytes:.1f} MB in {files}
files.

```python
import medlab

cohort = medlab.load_cohort("sample")
medlab.show(medlab.case_of(cohort[0]))
```

**Origin**: drawn by this project; no picture, report or person stands behind any of it. **Licence**: Apache-2.0, as
the project. **Not for**: any claim about real patients.

What is there: `cases.jsonl`, one case a line (columns: `docs/cohorts.md`); `images/`, the films as 8-bit PNG;
`masks/`, one PNG for each finding, organ and marker, white inside; `manifest.sha256`, the sha256 of every other file,
as `sha256sum -c manifest.sha256` reads it.

| finding | cases that have it |
|---|---|
{findings}
| none of them | {normal} |

| file | sha256 |
|---|---|
| `phantoms/{table}` | `{table_sha256}` |
| `phantoms/{manifest}` | `{manifest_sha256}` |
"""


def main() -> None:
    folder = DATA / "phantoms"
    shutil.rmtree(folder, ignore_errors=True)
    write_phantoms(folder, n=CASES, visits=VISITS, size=SIZE, seed=SEED)
    cases = [json.loads(line) for line in (folder / TABLE).read_text(encoding="utf-8").splitlines()]
    named = [{finding["name"] for finding in case["findings"] if finding["state"] == "present"} for case in cases]
    present = collections.Counter(name for names in named for name in names)
    files = [path for path in folder.rglob("*") if path.is_file()]
    text = README.format(
        cases=len(cases),
        single=CASES,
        pairs=VISITS,
        size=SIZE,
        seed=SEED,
        megabytes=sum(path.stat().st_size for path in files) / 1e6,
        files=len(files),
        findings="\n".join(f"| {name} | {count} |" for name, count in sorted(present.items())),
        normal=named.count(set()),
        table=TABLE,
        manifest=MANIFEST,
        table_sha256=sha256_of(folder / TABLE),
        manifest_sha256=sha256_of(folder / MANIFEST),
    )
    (DATA / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
