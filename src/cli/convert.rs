//! `convert`: a finished feed of one spec rendered for another, with the account of what
//! became of every column.

use super::args::Convert;
use super::error::{CliError, Exit};
use super::mill::Job;
use super::ui::Ui;
use crate::account::Account;
use crate::config::resolve::Flags;
use crate::finding::sink::Listen;
use crate::finding::{Finding, Severity};
use crate::plan::Purpose;
use crate::report::Reports;
use crate::spec;
use std::collections::HashMap;

pub(super) fn run(command: &Convert, ui: &Ui) -> Result<Exit, CliError> {
    let mut flags = Flags {
        inputs: vec![command.feed.clone()],
        // A project file maps a shop's own columns; those of a feed are known.
        config: Some("none".to_owned()),
        targets: vec![command.to.clone()],
        formats: command.format.clone(),
        encoding: command.of_feed.encoding.clone(),
        currency: command.of_feed.currency.clone(),
        base_url: command.of_feed.base_url.clone(),
        seller_name: command.seller_name.clone(),
        set: command.set.clone(),
        ..Flags::default()
    };
    command.reporting.settle(&mut flags);
    spec::load::spec(&command.from)?;
    let job = Job {
        name: "convert",
        purpose: Purpose::Build { out: &command.out },
        reporting: &command.reporting,
        allow_empty: command.allow_empty,
        feed_of: Some(&command.from),
        silent: false,
        looks: None,
    };
    job.run(&flags, ui).map(|(exit, _)| exit)
}

/// Passes findings on and keeps, for each column, the first that says why a value is not written.
pub(super) struct Watch<'a> {
    reports: &'a mut Reports,
    reasons: HashMap<String, String>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(reports: &'a mut Reports) -> Self {
        Self { reports, reasons: HashMap::new() }
    }

    /// Tells why values were lost, where a finding said so.
    pub(super) fn explain(&self, account: &mut Account) {
        for column in account.columns.iter_mut().filter(|column| column.lost > 0 && !column.to.is_empty()) {
            column.note = self.reasons.get(&column.name).cloned().or_else(|| column.note.take());
        }
    }
}

impl Listen for Watch<'_> {
    fn finding(&mut self, finding: &Finding) {
        let is_left_out = finding.fix.as_ref().map_or(finding.severity == Severity::Error, |fix| fix.value.is_none());
        if let Some(column) = finding.place.column_name.as_ref().filter(|_| is_left_out) {
            self.reasons.entry(column.to_string()).or_insert_with(|| finding.message.clone());
        }
        self.reports.finding(finding);
    }
}
