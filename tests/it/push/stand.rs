//! A merchant's project, a sandbox to push it to, and the program between them.

use crate::support::{Folder, Run};
use feedmill::sandbox::{self, Exchange, Fault, ImportState, Options, Sandbox, Witness};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// The key of every test; it may be found nowhere.
pub(crate) const CANARY: &str = "sk_test_canary4711";

/// Waits that take no time, and little patience.
pub(crate) const QUICK: &str = "poll = { first_ms = 1, most_ms = 1, total_s = 20 }, retry = { base_ms = 0, cap_ms = 0 }";

/// A way in, with a project that uses it.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// The spec that is built for it.
    pub(crate) spec: &'static str,
    /// `{base}` is the sandbox.
    pub(crate) deliver: &'static str,
    /// The call that begins a delivery, the one that carries it, the one that asks, as faults name them.
    pub(crate) begin: &'static str,
    pub(crate) carry: &'static str,
    pub(crate) ask: Option<&'static str>,
    /// The feed that must be there, as the sandbox names the way and it.
    pub(crate) feed: Option<(&'static str, &'static str)>,
    /// More of the project file.
    pub(crate) map: &'static str,
    /// What is wrong in a row after the first is replaced by the second; `None` where the target
    /// says nothing of rows.
    pub(crate) flaw: Option<(&'static str, &'static str)>,
}

pub(crate) const IMPORTS: Way = Way {
    name: "stripe v2",
    spec: "stripe",
    deliver: r#"stripe = "v2", mode = "test", key = { file = "key" }, api_base = "{base}/stripe""#,
    begin: "POST /v2/commerce/*",
    carry: "PUT /stripe-uploads/*",
    ask: Some("GET /v2/commerce/*"),
    feed: None,
    map: "",
    flaw: Some((" USD", " XXX")),
};

pub(crate) const SETS: Way = Way {
    name: "stripe v1",
    spec: "stripe",
    deliver: r#"stripe = "v1", mode = "test", key = { file = "key" }, api_base = "{base}/stripe", files_base = "{base}/stripe-files""#,
    begin: "POST /v1/files",
    carry: "POST /v1/data_management/*",
    ask: Some("GET /v1/data_management/*"),
    feed: None,
    map: "",
    flaw: Some((" USD", " XXX")),
};

pub(crate) const HTTPS: Way = Way {
    name: "https",
    spec: "openai",
    deliver: r#"https = "{base}/https/openai", token = { file = "key" }, accepted = "/status=accepted""#,
    begin: "POST /https/*",
    carry: "POST /https/*",
    ask: None,
    feed: None,
    map: "",
    flaw: None,
};

pub(crate) const ACP: Way = Way {
    name: "acp",
    spec: "acp",
    deliver: r#"acp = "{base}/acp", key = { file = "key" }, target_country = "US""#,
    begin: "POST /feeds",
    carry: "PATCH /feeds/*",
    flaw: Some((r#""currency":"USD""#, r#""currency":"usd""#)),
    ..HTTPS
};

pub(crate) const PRODUCT_FEEDS: Way = Way {
    name: "product_feeds",
    spec: "openai-api",
    deliver: r#"product_feeds = "{base}/openai", key = { file = "key" }, target_country = "US""#,
    begin: "POST /product_feeds",
    carry: "PATCH /product_feeds/*",
    flaw: Some((r#""currency":"USD""#, r#""currency":"usd""#)),
    ..HTTPS
};

pub(crate) const PROMOTIONS: Way = Way {
    name: "promotions",
    spec: "openai-api-promotions",
    deliver: r#"product_feeds = "{base}/openai", key = { file = "key" }, feed = "feed_shop""#,
    begin: "PATCH /product_feeds/*",
    carry: "PATCH /product_feeds/*",
    feed: Some(("product_feeds", "feed_shop")),
    map: "[map]\npromotion_id = \"item_id\"\nactive_period = { constant = \"2026-05-01T00:00:00Z/2099-12-15T23:59:59Z\" }\n\
          benefit_type = { constant = \"amount_off\" }\namount_off = \"price\"\n",
    flaw: Some((r#""type":"amount_off""#, r#""type":"half_off""#)),
    ..HTTPS
};

pub(crate) const ADS: Way = Way {
    name: "ads",
    spec: "openai-ads-delta",
    deliver: r#"ads = "{base}/openai-ads/v1", key = { file = "key" }, feed = "feed_shop""#,
    begin: "PATCH /feeds/*",
    carry: "PATCH /feeds/*",
    feed: Some(("ads", "feed_shop")),
    flaw: Some((r#""currency":"USD""#, r#""currency":"usd""#)),
    ..HTTPS
};

pub(crate) struct Stand {
    pub(crate) folder: Folder,
    runtime: Runtime,
    sandbox: Option<Sandbox>,
    /// The program that a witness may kill, and at which exchange.
    pub(crate) victim: Arc<Mutex<Victim>>,
}

#[derive(Default)]
pub(crate) struct Victim {
    child: Option<std::process::Child>,
    seen: usize,
    at: Option<usize>,
}

impl Victim {
    /// Counts a request; whether it is the one at which the program dies.
    pub(crate) fn comes(&mut self) -> bool {
        self.seen += 1;
        self.at == Some(self.seen)
    }

    /// Kills the program.
    pub(crate) fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().expect("killed");
        }
    }
}

/// One item: id, price, stock.
pub(crate) type Item = (String, String, u32);

/// So many items, each with a price of its own.
pub(crate) fn items(count: usize) -> Vec<Item> {
    (1..=count).map(|n| (format!("SKU-{n}"), format!("{}.00 USD", 10 + n), 5)).collect()
}

impl Stand {
    pub(crate) fn new(faults: &[&str], change: impl FnOnce(&mut Options)) -> Self {
        let victim: Arc<Mutex<Victim>> = Arc::default();
        let killer = Arc::clone(&victim);
        let witness: Witness = Arc::new(move |_| {
            let mut victim = killer.lock().expect("sound");
            if victim.comes() {
                victim.kill();
            }
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
        let mut options = Options { faults, witness: Some(witness), ..Options::default() };
        change(&mut options);
        let sandbox = runtime.block_on(sandbox::serve(options)).expect("a sandbox");
        let stand = Self { folder: Folder::new(), runtime, sandbox: Some(sandbox), victim };
        stand.folder.secret("key", &format!("{CANARY}\n"));
        stand
    }

    /// A stand with a project for this way in and this many items, built.
    pub(crate) fn built(way: &Way, count: usize, faults: &[&str]) -> Self {
        let stand = Self::new(faults, |_| {});
        stand.project(way, "");
        stand.catalog(&items(count));
        stand.build();
        stand
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("running")
    }

    pub(crate) fn project(&self, way: &Way, more: &str) {
        let deliver = way.deliver.replace("{base}", &format!("http://{}", self.sandbox().address()));
        let quick = if more.contains("poll =") { "retry = { base_ms = 0, cap_ms = 0 }" } else { QUICK };
        let more = if more.is_empty() { String::new() } else { format!(", {more}") };
        let text = format!(
            "[source]\npath = \"catalog.csv\"\n{}[[target]]\nname = \"shop\"\nspec = \"{}\"\ndeliver = {{ {deliver}, {quick}{more} }}\n",
            way.map, way.spec
        );
        self.folder.write("feedmill.toml", text);
        if let Some((word, feed)) = way.feed {
            self.sandbox().adopt(word, feed, items(60).into_iter().map(|(id, _, _)| (id, String::new())));
        }
    }

    pub(crate) fn catalog(&self, items: &[Item]) {
        let mut text = String::from(
            "item_id,title,description,url,brand,mpn,image_url,availability,price,inventory_quantity,product_category,seller_name\n",
        );
        for (id, price, stock) in items {
            let availability = if *stock > 0 { "in_stock" } else { "out_of_stock" };
            text.push_str(&format!(
                "{id},Bottle {id},Insulated steel bottle {id}.,https://shop.example/p/{id},Acme,M-{id},https://shop.example/i/{id}.jpg,{availability},{price},{stock},Home > Kitchen,Northline\n"
            ));
        }
        self.folder.write("catalog.csv", text);
    }

    pub(crate) fn build(&self) {
        let run = self.folder.run(&["build"]);
        assert!(run.code <= 1, "{}{}", run.out, run.err);
    }

    pub(crate) fn push(&self) -> Run {
        self.run(&["push", "--output-format", "json"])
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut all = arguments.to_vec();
        all.extend(["--state", "state/state.sqlite"]);
        self.folder.run(&all)
    }

    /// Runs the program until the target has seen so many requests, and kills it before the
    /// answer to the last of them leaves. `false` when it ended before.
    pub(crate) fn killed_at(&self, exchange: usize, arguments: &[&str]) -> bool {
        {
            let mut victim = self.victim.lock().expect("sound");
            victim.seen = 0;
            victim.at = Some(exchange);
            let mut all = arguments.to_vec();
            all.extend(["--state", "state/state.sqlite"]);
            let command = Command::new(env!("CARGO_BIN_EXE_feedmill"))
                .args(all)
                .current_dir(self.folder.path(""))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            victim.child = Some(command.expect("the program starts"));
        }
        let ended = loop {
            let mut victim = self.victim.lock().expect("sound");
            let child = victim.child.as_mut().expect("running");
            if let Some(status) = child.try_wait().expect("a child") {
                victim.child = None;
                victim.at = None;
                break status;
            }
            drop(victim);
            std::thread::yield_now();
        };
        ended.code().is_none()
    }

    /// Serves another peer of the program on this machine; its address.
    pub(crate) fn serve(&self, router: axum::Router) -> String {
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        self.runtime.spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// Rows of a table of the state.
    pub(crate) fn count(&self, table: &'static str) -> i64 {
        use sqlx::Connection;
        let address = format!("sqlite:{}", self.folder.path("state/state.sqlite").display());
        self.runtime.block_on(async {
            let mut connection = sqlx::SqliteConnection::connect(&address).await.expect("the state");
            let query = match table {
                "holding" => "select count(*) from holding",
                _ => "select count(*) from snapshot",
            };
            sqlx::query_scalar(query).fetch_one(&mut connection).await.expect("a table")
        })
    }

    /// Lets what was begun and not finished have been begun so many seconds earlier.
    pub(crate) fn age_intents(&self, seconds: i64) {
        use sqlx::Connection;
        let address = format!("sqlite:{}", self.folder.path("state/state.sqlite").display());
        self.runtime.block_on(async {
            let mut connection = sqlx::SqliteConnection::connect(&address).await.expect("the state");
            let aged =
                sqlx::query("update intent set created = created - ?").bind(seconds).execute(&mut connection).await.expect("written");
            assert!(aged.rows_affected() > 0, "nothing was begun");
        });
    }

    /// Lets what was refused be due now.
    pub(crate) fn hurry_outstanding(&self) {
        use sqlx::Connection;
        let address = format!("sqlite:{}", self.folder.path("state/state.sqlite").display());
        self.runtime.block_on(async {
            let mut connection = sqlx::SqliteConnection::connect(&address).await.expect("the state");
            let hurried = sqlx::query("update outstanding set due = 0").execute(&mut connection).await.expect("written");
            assert!(hurried.rows_affected() > 0, "nothing is outstanding");
        });
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.sandbox().transcript()
    }

    pub(crate) fn imports(&self) -> Vec<ImportState> {
        self.sandbox().imports()
    }

    pub(crate) fn fault(&self, fault: &str) {
        self.sandbox().fault(fault.parse::<Fault>().expect("a fault"));
    }

    /// Breaks rows of what was built, behind our own rules, so that the target must refuse them.
    pub(crate) fn break_rows(&self, way: &Way, rows: usize) {
        let (sound, broken) = way.flaw.expect("a way that tells of rows");
        let manifest = self.folder.read("out/shop/feed.manifest.json");
        let listed: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        let path = format!("out/shop/{}", listed["files"][0]["name"].as_str().expect("a name"));
        let feed = self.folder.read(&path);
        let mut left = rows;
        let mut text = String::new();
        for line in feed.lines() {
            let is_one = left > 0 && line.contains(sound);
            left -= usize::from(is_one);
            text.push_str(&if is_one { line.replace(sound, broken) } else { line.to_owned() });
            text.push('\n');
        }
        assert_eq!(left, 0, "so many rows can be broken");
        let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
        self.folder.write("out/shop/feed.manifest.json", manifest.replace(&digest(&feed), &digest(&text)));
        self.folder.write(&path, text);
    }

    /// The ids of what the target holds, sorted.
    pub(crate) fn ids(&self, way: &Way) -> Vec<String> {
        let sandbox = self.sandbox();
        let id = |object: &serde_json::Value| object["id"].as_str().expect("an id").to_owned();
        let mut ids: Vec<String> = match way.spec {
            "stripe" => sandbox.products("acct_sandbox").into_iter().map(|(id, _)| id).collect(),
            "openai-ads-delta" => {
                // An adopted item has an id only until a change reaches it.
                let touched = sandbox.ads_feeds().remove(0).items.into_iter().filter(|(_, row)| row.contains_key("price"));
                touched.map(|(id, _)| id).collect()
            }
            "openai-api-promotions" => sandbox.feeds().iter().flat_map(|feed| feed.promotions.iter().map(id)).collect(),
            "acp" | "openai-api" => {
                let feeds = sandbox.feeds();
                let variants =
                    feeds.iter().flat_map(|feed| &feed.products).flat_map(|product| product["variants"].as_array().expect("a list"));
                variants.filter(|variant| variant["availability"]["status"] != "discontinued").map(id).collect()
            }
            // A snapshot takes the place of the one before.
            _ => sandbox.deliveries().last().iter().flat_map(|delivery| &delivery.rows).map(|row| row["item_id"].clone()).collect(),
        };
        ids.sort();
        ids
    }

    /// What stands in a row of the account's catalog.
    pub(crate) fn held(&self, account: &str, id: &str, column: &str) -> Option<String> {
        let products = self.sandbox().products(account);
        let (_, row) = products.iter().find(|(known, _)| known == id)?;
        row.get(column).cloned()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }
}
