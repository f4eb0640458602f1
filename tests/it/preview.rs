//! `preview`: one page that shows how items will look, and carries nothing active.

use crate::support::{Folder, SOUND, fixture};

/// A page as tags and what stands between them.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)).collect()
}

/// Every tag is one that a page of words needs, and every address leads to the web or into the page.
fn assert_inert(page: &str) {
    let known = "!DOCTYPE html head meta title style body a header h1 h2 h3 h4 nav ul li main section p b bdi code del ins span strong dl dt \
                 dd div svg rect table caption thead tbody tr th td article img details summary footer";
    for tag in tags(page) {
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or("");
        assert!(known.split(' ').any(|known| known == name), "<{tag}>");
        for (attribute, value) in tag.split('"').collect::<Vec<_>>().chunks(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))) {
            let attribute = attribute.trim_end_matches('=').rsplit(' ').next().unwrap_or("");
            assert!(!attribute.starts_with("on") && attribute != "style" && attribute != "srcset", "<{tag}>");
            if matches!(attribute, "href" | "src") {
                assert!(["#", "https://", "http://"].iter().any(|start| value.starts_with(start)), "<{tag}>");
            }
        }
    }
}

/// The words of the page, a line an element.
fn words(page: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for c in page.split_once("</style>").map_or(page, |(_, rest)| rest).chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The cards of a page.
fn cards(page: &str) -> Vec<&str> {
    page.split("<article>").skip(1).map(|rest| rest.split("</article>").next().unwrap_or("")).collect()
}

fn preview(folder: &Folder, more: &[&str]) -> (i32, String) {
    let run = folder.run(&[&["preview", "catalog.csv", "--output", "page.html"], more].concat());
    assert!(run.out.ends_with("page.html: open it in a browser\n"), "{}", run.out);
    (run.code, folder.read("page.html"))
}

#[test]
fn a_page_says_what_becomes_of_the_items_and_how_they_look() {
    let folder = Folder::new();
    let more = "A3,Tin cup,A cup of tin.,https://shop.example/a3,,Acme Store,https://shop.example/a3.jpg,in_stock,,\n";
    folder.write(
        "catalog.csv",
        SOUND
            .replace("price\n", "price,sale_price\n")
            .replace("24.00 USD\n", "24.00 USD,19.00 USD\n")
            .replace("12.50 USD\n", "12.50 USD,\n")
            + more,
    );
    let (code, page) = preview(&folder, &[]);
    assert_eq!(code, 1, "an item without a price is rejected");
    assert_inert(&page);
    let words = words(&page);
    assert!(words.contains("Some items are rejected. 2 of 3 items can be in the feed."), "{words}");
    assert!(words.contains("All 2 accepted items."), "{words}");
    assert!(words.contains("The one rejected item."), "{words}");
    // One of three has no brand, one no price, and one a sale price.
    for row in ["title required\n3\n", "brand required\n2\n", "price required\n2\n", "sale_price\n1\n", "in_stock\n2\n", "backorder\n1\n"] {
        assert!(words.contains(row), "{row}: {words}");
    }
    let cards = cards(&page);
    assert_eq!(cards.len(), 3);
    assert!(cards[0].contains("<ins>19.00 USD</ins> <del>24.00 USD</del>") && cards[0].contains("badge good\">in stock"), "{}", cards[0]);
    assert!(cards[0].contains("<a href=\"https://shop.example/a1\" rel=\"noopener noreferrer nofollow\">Steel bottle</a>"), "{}", cards[0]);
    let image =
        "<img src=\"https://shop.example/a2.jpg\" alt=\"Glass bottle\" loading=\"lazy\" decoding=\"async\" referrerpolicy=\"no-referrer\">";
    assert!(
        cards[1].contains(image) && cards[1].contains("<p class=\"price\">12.50 USD</p>") && cards[1].contains("badge warn\">backorder")
    );
    assert!(cards[2].contains("<code>price</code> is missing") && cards[2].contains("catalog.csv:4"), "{}", cards[2]);
    assert!(page.contains("catalog.csv:4") && page.contains("<code>price/missing</code>"));
}

#[test]
fn nothing_of_a_catalog_is_active() {
    let folder = Folder::new();
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let cell = format!("\"{}\"", hostile.replace('"', "\"\""));
    let header = format!("item_id,title,description,url,brand,seller_name,image_url,availability,price,group_id,variant_dict,{cell}");
    let row = |id: &str, url: &str, image: &str| {
        format!(
            "{id},{cell},{cell},{url},{cell},{cell},{image},in_stock,5.00 USD,G1,\"{{\"\"{}\"\":\"\"x{id}\"\"}}\",{cell}",
            hostile.replace(['"', '\''], "")
        )
    };
    let rows = [
        header,
        row("A1", "https://shop.example/a1", "https://shop.example/a1.jpg\"onload=alert(3)"),
        row("A2", "javascript:alert(4)", "javascript:alert(5)"),
        row(&cell, "\"https://shop.example/'\"\"><script>alert(6)</script>\"", "data:image/svg+xml;base64,PHN2Zz4="),
        row("A4", "https://shop.example/a4", "http://shop.example/a4.jpg"),
    ];
    folder.write("catalog.csv", rows.join("\n") + "\n");
    for more in [&[][..], &["--target", "stripe", "--target", "acp"]] {
        let (_, page) = preview(&folder, more);
        assert_inert(&page);
        assert!(!page.to_ascii_lowercase().contains("<script") && !page.contains("javascript:alert(4)\""));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is shown as what it is");
        let policy = page.split("Content-Security-Policy\" content=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a policy");
        assert!(policy.starts_with("default-src &#39;none&#39;; img-src https:; style-src &#39;sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    }
    let run = folder.run(&["check", "catalog.csv", "--output-format", "html"]);
    assert_inert(&run.out);
    assert!(!run.out.contains("<img") && !run.out.contains("img-src"), "findings load nothing");
}

#[test]
fn variants_of_a_group_are_one_card() {
    let folder = Folder::new();
    folder.write("catalog.csv", std::fs::read(fixture("catalogs/woocommerce-small.csv")).expect("a fixture"));
    let (code, page) = preview(&folder, &["--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline"]);
    assert_eq!(code, 0);
    let cards = cards(&page);
    // Five items: three variants of a shirt, a mug and a lamp.
    assert_eq!(cards.len(), 3);
    let shirt = words(cards[0]);
    assert!(shirt.starts_with("Fell T-Shirt\nNorthline\n3 variants\n"), "{shirt}");
    for row in [
        "Color Moss, Size S\n29.00 USD\nin stock",
        "Color Moss, Size M\n29.00 USD\nin stock",
        "Color Slate, Size M\n29.00 USD\nout of stock",
    ] {
        assert!(shirt.contains(row), "{shirt}");
    }
    assert!(words(cards[1]).contains("14.50 USD 18.00 USD"), "{}", words(cards[1]));
}

/// A catalog of so many items, of which every tenth has no image.
fn many(items: usize) -> String {
    let rows = (1..=items).map(|n| {
        let image = if n % 10 == 0 { String::new() } else { format!("https://shop.example/{n}.jpg") };
        format!("I{n},Bottle {n},A bottle.,https://shop.example/{n},Acme,Acme Store,{image},in_stock,24.00 USD\n")
    });
    SOUND.lines().next().map(|head| format!("{head}\n")).into_iter().chain(rows).collect()
}

#[test]
fn a_sample_is_the_same_whoever_draws_it_and_stays_small() {
    let folder = Folder::new();
    folder.write("catalog.csv", many(9000));
    let (code, one) = preview(&folder, &["--items", "10", "--threads", "1"]);
    assert_eq!(code, 1);
    assert_eq!(preview(&folder, &["--items", "10", "--threads", "4"]).1, one);
    // Every tenth of 9,000 is left out; of those a fifth as many as of the others are shown.
    assert!(words(&one).contains("10 of 8,100 accepted items, drawn by a hash"), "{}", words(&one));
    assert!(words(&one).contains("2 of 900 rejected items, drawn by a hash"));
    assert_eq!(cards(&one).len(), 12);
    assert!(one.len() < 60_000, "{} bytes", one.len());
    // A row more changes one card at most.
    folder.write("catalog.csv", many(9001));
    let (_, more) = preview(&folder, &["--items", "10"]);
    let gone = cards(&one).iter().filter(|card| !cards(&more).contains(card)).count();
    assert!(gone <= 1, "{gone} cards are gone");
    let (_, none) = preview(&folder, &["--items", "0"]);
    assert!(cards(&none).is_empty() && words(&none).contains("image_url required\n8,101"));
}

#[test]
fn an_item_that_is_refused_for_the_whole_feed_is_not_shown_as_accepted() {
    let folder = Folder::new();
    let again = SOUND.lines().nth(1).expect("a row").replace("Steel bottle", "Steel bottle again");
    folder.write("catalog.csv", format!("{SOUND}{again}\n"));
    let (_, page) = preview(&folder, &[]);
    let words = words(&page);
    assert!(words.contains("2 of 3 items can be in the feed.") && words.contains("All 2 accepted items."), "{words}");
    let cards = cards(&page);
    assert_eq!(cards.len(), 3);
    assert!(cards[2].contains("Steel bottle again") && cards[2].contains("class=\"reasons\""), "{}", cards[2]);
    // Where it is none of the few that were looked at more closely, its id and its place are known.
    let again = many(9).lines().last().expect("a row").replace("Bottle 9", "Bottle again");
    folder.write("catalog.csv", many(9) + &again + "\n");
    for (items, shown) in [("9", "Bottle again"), ("1", "<code>I9</code> catalog.csv:11")] {
        let (_, page) = preview(&folder, &["--items", items]);
        let words = self::words(&page);
        assert!(words.contains("9 of 10 items can be in the feed.") && words.contains("The one rejected item."), "{words}");
        let card = *self::cards(&page).last().expect("a card");
        assert!(card.contains(shown) && card.contains("class=\"reasons\"") && !card.contains("no price"), "{card}");
    }
}

#[test]
fn images_are_loaded_only_where_they_may_be() {
    let folder = Folder::new();
    folder.write("catalog.csv", SOUND);
    let (code, page) = preview(&folder, &["--no-images"]);
    assert_eq!(code, 0);
    assert!(!page.contains("<img") && !page.contains("img-src") && page.contains("image not loaded"));
    let run = folder.run(&["preview", "catalog.csv", "-o", "-"]);
    assert!(run.out.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && run.out.ends_with("</html>\n") && run.out.contains("<img"));
    let run = folder.run(&["preview", "catalog.csv", "-o", "page.html", "--output-format", "json"]);
    assert_eq!(run.json()["schema"], "feedmill.preview/1");
    assert_eq!(folder.read("page.html"), folder.run(&["preview", "catalog.csv", "-o", "-"]).out);
    let run = folder.run_with(&["preview", "-", "-o", "-", "--quiet"], SOUND.as_bytes());
    assert_eq!((run.code, run.err.as_str(), cards(&run.out).len()), (0, "", 2));
}

#[test]
fn a_page_takes_no_catalogs_place_and_says_why_it_is_empty() {
    let folder = Folder::new();
    folder.write("catalog.csv", SOUND);
    let run = folder.run(&["preview", "catalog.csv", "-o", "./catalog.csv"]);
    assert_eq!((run.code, folder.read("catalog.csv").as_str()), (2, SOUND));
    assert!(run.err.contains("is read as the catalog"), "{}", run.err);
    assert_eq!(folder.run(&["preview", "catalog.csv", "--items", "1001"]).code, 2);
    assert_eq!(folder.run(&["preview", "catalog.csv", "-o", "."]).code, 12);
    let run = folder.run(&["preview", "nothing.csv", "-o", "page.html"]);
    assert_eq!(run.code, 3);
    let page = folder.read("page.html");
    assert_inert(&page);
    assert!(words(&page).contains("The run could not be finished:") && page.contains("nothing.csv"), "{page}");
}
