//! Every request that the program makes to Stripe, and every answer it lives by, held against the
//! excerpt of the API by Prism, which is not ours: a request that departs from it is answered 4xx
//! and never arrives. `cargo test --test it push::judged -- --nocapture` prints how many there were.

use super::stand::{IMPORTS, SETS, Stand, Way, items};
use crate::prism::Prism;
use crate::support::Run;
use feedmill::sandbox::Api;

/// A stand whose program talks to the sandbox through Prism.
struct Judged {
    stand: Stand,
    api: Prism,
    files: Prism,
    /// Requests that the program says it made.
    made: u64,
}

impl Judged {
    fn new() -> Option<Self> {
        let stand = Stand::new(&[], |_| {});
        let api = Prism::proxy("proxy", &stand.sandbox().base(Api::Stripe))?;
        let files = Prism::proxy("proxy", &stand.sandbox().base(Api::StripeFiles))?;
        Some(Self { stand, api, files, made: 0 })
    }

    fn project(&self, way: &Way, more: &str, end: &str) {
        self.stand.project(way, more);
        let base = |api| self.stand.sandbox().base(api);
        let settings = self.stand.folder.read("feedmill.toml");
        let settings = settings.replace(&base(Api::StripeFiles), &self.files.url("")).replace(&base(Api::Stripe), &self.api.url(""));
        self.stand.folder.write("feedmill.toml", settings + end);
    }

    /// Runs the program: it ends as expected, and every request of it has passed Prism.
    fn run(&mut self, arguments: &[&str], code: i32) -> Run {
        let before = self.stand.exchanges().len() as u64;
        let mut all = arguments.to_vec();
        all.extend(["--output-format", "json"]);
        let run = self.stand.run(&all);
        assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
        let made: u64 = run.json()["targets"].as_array().expect("targets").iter().filter_map(|one| one["requests"].as_u64()).sum();
        let arrived = self.stand.exchanges().len() as u64 - before;
        assert_eq!(made, arrived, "{arguments:?}: a request was stopped on its way: {}{}", run.out, run.err);
        self.made += made;
        run
    }

    /// How many requests were judged, in words.
    fn tell(&self, what: &str) -> String {
        let exchanges = self.stand.exchanges();
        let judged = exchanges.iter().filter(|exchange| !exchange.path.starts_with("/stripe-uploads/")).count();
        let uploads = exchanges.len() - judged;
        assert!(judged > 3, "{judged}");
        format!("{what:<44} {judged:>3} requests judged, 0 violations; {uploads} uploads to presigned addresses")
    }
}

/// Everything that moves, one after the other.
fn everything(way: &Way) -> String {
    let Some(mut judged) = Judged::new() else { return String::new() };
    judged.project(way, "", "");
    let mut now = items(30);
    judged.stand.catalog(&now);
    judged.run(&["run"], 0);
    judged.run(&["run"], 0);
    now[2].1 = "14.50 USD".to_owned();
    judged.stand.catalog(&now);
    judged.run(&["run"], 0);
    now[4].2 = 4;
    judged.stand.catalog(&now);
    judged.run(&["run"], 0);
    now.remove(6);
    judged.stand.catalog(&now);
    judged.run(&["run"], 0);
    // A patience that ends before the import does, and the question after it.
    now[8].1 = "15.50 USD".to_owned();
    judged.stand.catalog(&now);
    judged.stand.fault(&format!("{}: never-done x1", way.ask.expect("asks")));
    judged.project(way, "poll = { first_ms = 1, most_ms = 1, total_s = 0 }", "");
    judged.run(&["run"], 11);
    judged.stand.sandbox().heal();
    judged.project(way, "", "");
    let status = judged.stand.run(&["status"]);
    assert_eq!(status.code, 0, "{}{}", status.out, status.err);
    judged.run(&["push"], 0);
    // An import that fails as a whole.
    judged.stand.fault(&format!("{}: body-failed x1", way.ask.expect("asks")));
    now[9].1 = "16.50 USD".to_owned();
    judged.stand.catalog(&now);
    judged.run(&["run"], if way.name == IMPORTS.name { 5 } else { 7 });
    judged.stand.sandbox().heal();
    judged.run(&["run"], 0);
    // Throttled, then let through.
    judged.stand.fault(&format!("{}: 429 x1", way.begin));
    now[9].1 = "17.50 USD".to_owned();
    judged.stand.catalog(&now);
    judged.run(&["run"], 0);
    // Rows that are refused, with their report.
    judged.stand.build();
    let feed = judged.stand.folder.read("out/shop/feed.csv");
    let broken = feed.replace("17.50 USD", "17.50");
    let manifest = judged.stand.folder.read("out/shop/feed.manifest.json");
    let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    judged.stand.folder.write("out/shop/feed.manifest.json", manifest.replace(&digest(&feed), &digest(&broken)));
    judged.stand.folder.write("out/shop/feed.csv", broken);
    judged.run(&["push", "--full"], 8);
    judged.tell(&format!("{}: every kind of change and fault", way.name))
}

#[test]
fn imports_are_asked_for_as_the_excerpt_says() {
    println!("{}", everything(&IMPORTS));
}

#[test]
fn import_sets_are_asked_for_as_the_excerpt_says() {
    println!("{}", everything(&SETS));
}

#[test]
fn every_account_is_named_as_the_excerpt_says() {
    let Some(mut judged) = Judged::new() else { return };
    judged.stand.catalog(&items(12));
    let headers = ["Stripe-Account", "Stripe-Context"];
    for (number, (way, header)) in [IMPORTS, SETS].into_iter().flat_map(|way| headers.map(|header| (way, header))).enumerate() {
        let accounts: Vec<String> = (1..=3).map(|account| format!("acct_{number}{account}")).collect();
        judged.project(&way, &format!("account_header = \"{header}\""), &format!("accounts = {accounts:?}\n"));
        judged.run(&["run"], 0);
        for account in accounts {
            assert_eq!(judged.stand.sandbox().products(&account).len(), 12, "{account}");
        }
    }
    println!("{}", judged.tell("three accounts by either header, v2 and v1"));
}

#[test]
fn an_import_that_a_dead_run_created_is_looked_for_as_the_excerpt_says() {
    let Some(mut judged) = Judged::new() else { return };
    judged.project(&IMPORTS, "", "");
    judged.stand.catalog(&items(12));
    judged.stand.build();
    assert!(judged.stand.killed_at(1, &["push"]), "it dies before it hears the import's id");
    judged.stand.age_intents(25 * 3600);
    judged.run(&["push"], 0);
    assert!(judged.stand.exchanges().iter().any(|exchange| exchange.query.as_deref().is_some_and(|query| query.contains("created_gte"))));
    assert_eq!(judged.stand.imports().len(), 1, "the import of the dead run is the one that is used");
    println!("{}", judged.tell("stripe v2: found again after a day"));
}

#[test]
fn other_feeds_and_replacement_are_asked_for_as_the_excerpt_says() {
    let Some(mut judged) = Judged::new() else { return };
    judged.stand.catalog(&items(12));
    // The first makes the products that the others change.
    for (spec, more) in [("stripe", "import = \"replace\""), ("stripe-inventory", ""), ("stripe-pricing", "")] {
        judged.project(&Way { spec, ..IMPORTS }, more, "");
        let settings = judged.stand.folder.read("feedmill.toml").replace("name = \"shop\"", &format!("name = \"{spec}\""));
        judged.stand.folder.write("feedmill.toml", settings);
        judged.run(&["run"], 0);
        let last = judged.stand.imports().pop().expect("an import");
        assert_eq!((last.status.as_str(), last.taken), ("succeeded", 12), "{last:?}");
    }
    println!("{}", judged.tell("stripe v2: replacement, inventory, pricing"));
}
