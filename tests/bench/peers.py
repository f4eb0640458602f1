"""Other tools on the same catalogs: what a merchant could use instead, as far as it can be
fetched by name. None of them knows the spec; each is asked what it can answer.

`whole.py --peers` runs them in the same rounds as the program. DuckDB, Polars and frictionless are
fetched into a virtual environment, ajv into a folder of its own; `qsv` is run where it is installed.
"""

import json
import shutil
import subprocess
import sys

# What the engines are asked: ids that occur twice, prices, availabilities and addresses of no known form, long titles.
ASKED = r"""select count(*) - count(distinct item_id), count(*) filter (not regexp_matches(price, '^[0-9]+(\.[0-9]+)? [A-Z]{3}$')),
count(*) filter (availability not in ('in_stock', 'out_of_stock', 'pre_order', 'backorder')), count(*) filter (url not like 'http%'),
count(*) filter (length(title) > 150 or title is null) from read_csv('FILE', all_varchar = true, ignore_errors = true)"""
POLARS = r"""import polars as pl
c = pl.col
print(pl.scan_csv('FILE', infer_schema=False, ignore_errors=True, truncate_ragged_lines=True, encoding='utf8-lossy').select(
    c('item_id').is_duplicated().sum(), (~c('price').str.contains(r'^[0-9]+(\.[0-9]+)? [A-Z]{3}$')).sum().alias('p'),
    (~c('availability').is_in(['in_stock', 'out_of_stock', 'pre_order', 'backorder'])).sum(),
    (~c('url').str.starts_with('http')).sum(), (c('title').str.len_chars() > 150).sum()).collect())"""
# The schema is the program's own, of one row; what stands between rows is beyond all of them.
FRICTIONLESS = r"""import frictionless, json
fields = [{'name': name, 'type': 'string', 'constraints': {key: value for key, value in (
    ('required', name in schema['required']), ('maxLength', field.get('maxLength')), ('enum', field.get('enum'))) if value}}
    for schema in [json.load(open('SCHEMA'))] for name, field in schema['properties'].items()]
wanted = {field['name']: field for field in fields}
header = open('FILE', encoding='utf-8', errors='replace').readline().strip().split(',')
schema = frictionless.Schema.from_descriptor({'fields': [wanted.get(name, {'name': name, 'type': 'string'}) for name in header]})
print(frictionless.validate(frictionless.Resource(path='NAME', basepath='FOLDER', schema=schema, encoding='latin-1'), limit_errors=1000000).stats)"""
AJV = r"""const Ajv = require('ajv/dist/2020'); const fs = require('fs');
const validate = new Ajv({allErrors: true, strict: false, validateFormats: false}).compile(JSON.parse(fs.readFileSync('SCHEMA')));
let bad = 0;
require('readline').createInterface({input: fs.createReadStream('FILE')}).on('line', line => { try { if (!validate(JSON.parse(line))) bad++; } catch { bad++; } })
    .on('close', () => console.log(bad));"""


def jobs(program, folder, whole, tenth, lines):
    """Names and commands; `tenth` and `lines` hold a tenth of the rows, as CSV and as JSON Lines."""
    home = folder / "peers"
    python = home / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb", "polars", "frictionless"], check=True)
    if shutil.which("npm") and not (home / "node_modules/ajv").exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", home, "ajv"], check=True)
    schema = home / "row.json"
    schema.write_text(json.dumps(json.loads(subprocess.run([program, "schema", "openai"], check=True, stdout=subprocess.PIPE).stdout)))
    put = lambda text, path: text.replace("SCHEMA", str(schema)).replace("FILE", str(path)).replace("NAME", path.name).replace(
        "FOLDER", str(path.parent))
    yield "DuckDB, 5 questions", [python, "-c", f"import duckdb; print(duckdb.sql({put(ASKED, whole)!r}).fetchall())"]
    yield "Polars, 5 questions", [python, "-c", put(POLARS, whole)]
    yield "frictionless, a tenth of the rows", [python, "-c", put(FRICTIONLESS, tenth)]
    if (home / "node_modules/ajv").exists():
        yield "ajv, a tenth of the rows as JSONL", ["env", f"NODE_PATH={home}/node_modules", "node", "-e", put(AJV, lines)]
    if shutil.which("qsv"):
        yield "qsv count", ["qsv", "count", whole]
