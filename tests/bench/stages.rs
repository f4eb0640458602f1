//! What each stage costs by itself: reading, mapping, normalizing, projecting, judging (as a
//! whole and by kind of rule), what is known of several rows, rendering, packing.
//!
//! The catalog is a shop's real export of 300 products, read again and again; rates are rows a
//! second, or bytes where bytes are what counts. How the program does as a whole is measured by
//! `whole.py`.

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use feedmill::catalog::open::Parser;
use feedmill::catalog::{Batch, RecordHead};
use feedmill::cell::{NO_COLUMN, Slot};
use feedmill::config::resolve::{Flags, resolve};
use feedmill::mapping::apply::Draft;
use feedmill::mapping::rows::{Assembler, Receive};
use feedmill::mapping::survey::Survey;
use feedmill::mapping::surveyor::Surveyor;
use feedmill::normalize::Memo;
use feedmill::pipeline::{Plan, SourcePlan, TargetPlan};
use feedmill::plan::{Effort, MEMORY, Purpose, plan};
use feedmill::render::file::{Output, write_text};
use feedmill::render::{Before, Compression, FeedFormat};
use feedmill::rules::across::{Called, Digests, Spot};
use feedmill::rules::registry::{ACROSS_KINDS, ROW_KINDS, VALUE_KINDS};
use feedmill::rules::{Facts, Mode, RuleTable};
use feedmill::spec::{self, Spec};
use std::path::Path;

const EXPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/catalogs/shopify-gatsby-starter.csv");
const TODAY: jiff::civil::Date = jiff::civil::Date::constant(2026, 11, 22);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().expect("a folder");
    let export = planned(EXPORT, folder.path());
    let (source, target) = (&export.sources[0], &export.targets[0]);
    let rows = u64::try_from(batch(source).heads.len()).expect("few rows");

    let mut stage = criterion.benchmark_group("stage");
    read(&mut stage, folder.path());
    stage.throughput(Throughput::Elements(rows));
    let (text, drafts) = map(&mut stage, source);
    let (text, drafts) = normalize(&mut stage, source, &text, &drafts);
    let (text, table) = project(&mut stage, target, &text, &drafts);
    judge(&mut stage, "judge", &target.rules, &text, &table);
    across(&mut stage, target, &text, &table);
    let feed = render(&mut stage, target, &text, &table);
    pack(&mut stage, folder.path(), &feed);
    stage.finish();

    let mut kinds = criterion.benchmark_group("value");
    for kind in VALUE_KINDS {
        value_kind(&mut kinds, &target.spec, kind.name);
    }
    kinds.finish();
    let mut kinds = criterion.benchmark_group("rule");
    kinds.throughput(Throughput::Elements(rows));
    for name in ["none"].into_iter().chain(ROW_KINDS.iter().map(|kind| kind.name)).chain(ACROSS_KINDS.iter().map(|kind| kind.name)) {
        rule_kind(&mut kinds, name, &text, &table);
    }
    kinds.finish();
    criterion.final_summary();
}

/// A build of the export, planned as the program plans it.
fn planned(export: &str, out: &Path) -> Plan {
    let word = |word: &str| Some(word.to_owned());
    let flags = Flags {
        inputs: vec![export.to_owned()],
        config: word("none"),
        targets: vec!["openai".to_owned()],
        currency: word("USD"),
        base_url: word("https://shop.example"),
        seller_name: word("Northline"),
        ..Flags::default()
    };
    let settings = resolve(&flags, out).expect("settings");
    plan(&settings, Purpose::Build { out }, Effort { threads: 1, memory: MEMORY }, TODAY).expect("a plan")
}

/// All records of a source as one batch; the export is smaller than a block.
fn batch(source: &SourcePlan) -> Batch {
    let mut blocks = (source.reopen)().expect("the export").blocks(0, None);
    let parser = Parser::of(&source.facts.format, &source.header);
    parser.parse(blocks.next_block().expect("readable").expect("a block"))
}

/// Reads the export over and over as one file, so that what opening it takes does not count.
fn read(stage: &mut BenchmarkGroup<'_, WallTime>, folder: &Path) {
    let export = std::fs::read_to_string(EXPORT).expect("the export");
    let (header, rows) = export.split_once('\n').expect("a header");
    let path = folder.join("long.csv");
    write_text(&path, &format!("{header}\n{}", rows.repeat(100))).expect("written");
    let long = planned(&path.to_string_lossy(), folder);
    let source = &long.sources[0];
    let parser = Parser::of(&source.facts.format, &source.header);
    stage.throughput(Throughput::Bytes(std::fs::metadata(&path).expect("written").len()));
    stage.bench_function("read", |bench| {
        bench.iter(|| {
            let mut blocks = (source.reopen)().expect("the export").blocks(0, None);
            let (spares, mut records) = (blocks.spares(), 0);
            while let Some(block) = blocks.next_block().expect("readable") {
                let mut batch = parser.parse(block);
                records += batch.heads.len();
                spares.give(&mut batch);
            }
            records
        });
    });
}

/// Keeps the items that were made.
#[derive(Default)]
struct Kept(Vec<Draft>);

impl Receive for Kept {
    fn item(&mut self, _: &mut String, draft: &mut Draft) {
        self.0.push(draft.clone());
    }
    fn skipped(&mut self, _: RecordHead, _: u16) {}
    fn more(&mut self, _: u64) {}
}

/// Looks at the items that were made.
struct Seen;

impl Receive for Seen {
    fn item(&mut self, _: &mut String, draft: &mut Draft) {
        std::hint::black_box(draft);
    }
    fn skipped(&mut self, _: RecordHead, _: u16) {}
    fn more(&mut self, _: u64) {}
}

fn map(stage: &mut BenchmarkGroup<'_, WallTime>, source: &SourcePlan) -> (String, Vec<Draft>) {
    let mut survey = Survey::default();
    if source.mapping.needs_survey() {
        let mut surveyor = Surveyor::new(Vec::new(), MEMORY);
        surveyor.observe(&source.mapping, &mut batch(source));
        survey = surveyor.finish().expect("in memory");
    }
    let mut assembler = Assembler::new(&source.mapping, &survey);
    stage.bench_function("map", |bench| {
        bench.iter_batched(|| batch(source), |mut batch| assembler.run(&mut batch, &mut Seen), BatchSize::SmallInput);
    });
    let (mut batch, mut kept) = (batch(source), Kept::default());
    assembler.run(&mut batch, &mut kept);
    (batch.text, kept.0)
}

fn normalize(stage: &mut BenchmarkGroup<'_, WallTime>, source: &SourcePlan, text: &str, drafts: &[Draft]) -> (String, Vec<Draft>) {
    let fresh = || (text.to_owned(), drafts.to_vec());
    let run = |(mut text, mut drafts): (String, Vec<Draft>)| {
        let (mut memo, mut notes) = (Memo::default(), Vec::new());
        for draft in &mut drafts {
            source.normalizer.run(&mut text, draft, &mut memo, &mut notes);
        }
        (text, drafts)
    };
    stage.bench_function("normalize", |bench| bench.iter_batched(fresh, run, BatchSize::SmallInput));
    run(fresh())
}

fn project(stage: &mut BenchmarkGroup<'_, WallTime>, target: &TargetPlan, text: &str, drafts: &[Draft]) -> (String, Vec<Vec<Slot>>) {
    let run = |mut text: String| {
        let mut row = Vec::new();
        for draft in drafts {
            target.projection.run(&mut text, draft, &mut row);
            std::hint::black_box(&mut row);
        }
        text
    };
    stage.bench_function("project", |bench| bench.iter_batched(|| text.to_owned(), run, BatchSize::SmallInput));
    let mut text = text.to_owned();
    let mut table = Vec::new();
    for draft in drafts {
        let mut row = Vec::new();
        target.projection.run(&mut text, draft, &mut row);
        table.push(row);
    }
    (text, table)
}

/// Judges rows as those of a finished feed, which changes nothing of them.
fn judge(stage: &mut BenchmarkGroup<'_, WallTime>, name: &str, rules: &RuleTable, text: &str, table: &[Vec<Slot>]) {
    let (mut text, mut table, mut faults) = (text.to_owned(), table.to_vec(), Vec::new());
    stage.bench_function(name, |bench| {
        bench.iter(|| {
            let mut facts = Facts::default();
            for row in &mut table {
                rules.judge(&mut text, row, &mut facts, Mode::AsIs, &mut faults);
            }
            std::mem::take(&mut faults)
        });
    });
}

fn across(stage: &mut BenchmarkGroup<'_, WallTime>, target: &TargetPlan, text: &str, table: &[Vec<Slot>]) {
    stage.bench_function("know of all rows", |bench| bench.iter(|| known(&target.rules, text, table)));
}

/// What the rules over several rows make of all of them; how many conflicts there are.
fn known(rules: &RuleTable, text: &str, table: &[Vec<Slot>]) -> usize {
    let (mut facts, mut digests, mut conflicts) = (Facts::default(), Digests::default(), Vec::new());
    for row in table {
        rules.digests(text, row, &mut facts, &mut digests);
    }
    let mut across = rules.across(MEMORY);
    across.begin(&digests).expect("memory");
    for number in 0..table.len() {
        let spot = Spot { source: 0, record: number as u32, line: number as u32 };
        across.observe(digests.row(number), spot, Called { item: "", group: "" }, &mut conflicts).expect("memory");
    }
    conflicts.len()
}

fn render(stage: &mut BenchmarkGroup<'_, WallTime>, target: &TargetPlan, text: &str, table: &[Vec<Slot>]) -> String {
    let mut feed = String::new();
    for word in ["csv", "tsv", "jsonl", "json", "xml", "parquet"] {
        let format = FeedFormat::parse(word).expect("a format");
        let writer = format.writer(&target.spec, &target.columns);
        let (mut out, mut before) = (String::new(), Before::default());
        stage.bench_function(format!("render {word}"), |bench| {
            bench.iter(|| {
                out.clear();
                before.clear();
                for row in table {
                    writer.row(text, row, &mut before, &mut out);
                }
                out.len()
            });
        });
        if feed.is_empty() {
            feed = out;
        }
    }
    feed
}

fn pack(stage: &mut BenchmarkGroup<'_, WallTime>, folder: &Path, feed: &str) {
    // More than one block, as a feed worth packing has.
    let bytes = feed.repeat((4 << 20) / feed.len() + 1);
    stage.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(10);
    for (name, compression) in [("write", Compression::None), ("write gzip", Compression::Gzip), ("write zstd", Compression::Zstd)] {
        stage.bench_function(name, |bench| {
            bench.iter(|| {
                let mut output = Output::create(&folder.join("feed"), compression).expect("a file");
                for piece in bytes.as_bytes().chunks(64 << 10) {
                    output.write(piece).expect("written");
                }
                output.finish().expect("written").bytes
            });
        });
    }
}

/// The fields of one kind, each with a sound value and a bad one in turn, so that no value is
/// passed for being that of the row before.
fn value_kind(kinds: &mut BenchmarkGroup<'_, WallTime>, spec: &Spec, name: &str) {
    let kind = VALUE_KINDS.iter().find(|kind| kind.name == name).expect("a kind");
    let mut text = String::new();
    let mut rows = vec![vec![Slot::EMPTY; spec.fields.len()]; 2];
    let mut fields = 0;
    for (place, field) in spec.fields.iter().enumerate() {
        let good = field.written.example.as_ref().and_then(toml::Value::as_str);
        let bad = kind.defects.iter().find_map(|doc| (doc.bad)(&field.written));
        let is_of =
            if feedmill::rules::registry::type_kind(name).is_some() { field.written.kind == name } else { kind.takes_part(&field.written) };
        let (true, Some(good), Some(bad)) = (is_of, good, bad) else { continue };
        rows[0][place] = Slot::store(&mut text, good, NO_COLUMN);
        rows[1][place] = Slot::store(&mut text, &bad, NO_COLUMN);
        fields += 2;
    }
    if fields > 0 {
        let rules = RuleTable::compile(spec, TODAY).expect("rules");
        kinds.throughput(Throughput::Elements(fields));
        judge(kinds, name, &rules, &text, &rows);
    }
}

/// All rows under the rules of one kind, where the spec has any; `none` is what the checks of
/// their values cost alone.
fn rule_kind(kinds: &mut BenchmarkGroup<'_, WallTime>, name: &str, text: &str, table: &[Vec<Slot>]) {
    let mut spec = spec::load::spec("openai").expect("a spec");
    spec.rules.retain(|rule| rule.kind == name);
    if spec.rules.is_empty() && name != "none" {
        return;
    }
    for field in &mut spec.fields {
        field.written.requirement = spec::model::Requirement::Optional;
        field.written.consequence_missing = None;
    }
    let rules = RuleTable::compile(&spec, TODAY).expect("rules");
    if ACROSS_KINDS.iter().any(|kind| kind.name == name) {
        kinds.bench_function(name, |bench| bench.iter(|| known(&rules, text, table)));
    } else {
        judge(kinds, name, &rules, text, table);
    }
}
