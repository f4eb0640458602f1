//! What a nested feed says about itself: the file or the members beside its products, made of
//! settings before the first record is read.

use super::{PlanError, notice};
use crate::finding::{Finding, Place, Severity};
use crate::mapping::compile::Wishes;
use crate::product::attribute::Attributes;
use crate::product::text::write_json_string;
use crate::render::FeedFormat;
use crate::render::products::PlannedOutput;
use crate::rules::structure::Structure;
use crate::spec::Spec;
use crate::spec::model::Requirement;
use crate::spec::shape::{FeedOutput, OutputKind, Shape};
use crate::spec::terms::Consequence;

/// The files of a feed in these formats, and what is wrong with the settings they need.
pub(super) fn outputs(
    spec: &Spec,
    formats: &[FeedFormat],
    wishes: &Wishes,
    today: jiff::civil::Date,
) -> Result<(Vec<PlannedOutput>, Vec<Finding>), PlanError> {
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    let (Some(shape), Some(structure)) = (&spec.shape, Structure::compile(spec, today)?) else { return Ok((outputs, findings)) };
    let about = About { spec, shape, structure, wishes };
    for written in &shape.file.output {
        if formats.iter().any(|format| format.word() == written.format) {
            let (text, whole) = about.members(written, &mut findings);
            if whole || written.kind != OutputKind::Header {
                outputs.push(PlannedOutput { written: written.clone(), about: text });
            }
        }
    }
    Ok((outputs, findings))
}

struct About<'a> {
    spec: &'a Spec,
    shape: &'a Shape,
    structure: Structure,
    wishes: &'a Wishes,
}

impl About<'_> {
    /// The members as an object, and whether nothing that is needed is missing.
    fn members(&self, output: &FeedOutput, findings: &mut Vec<Finding>) -> (String, bool) {
        let mut text = String::new();
        let mut whole = true;
        for (member, setting) in &output.members {
            let setting = setting.as_str().unwrap_or_default();
            let attribute = setting.trim_start_matches('$');
            let Some(place) = self.published(output, member) else { continue };
            let written = &self.shape.published[place].written;
            match self.value(attribute) {
                None if written.requirement == Requirement::Required => {
                    whole = false;
                    let consequence = written.consequence_missing.unwrap_or(Consequence::Unspecified);
                    let message = format!("`{member}` of {} is not known, so the file is not written", output.file);
                    findings.push(self.finding(attribute, "missing", message, consequence));
                }
                None => {}
                Some(value) => {
                    if let Some((defect, message)) = self.structure.leaf(place, value) {
                        whole &= written.requirement != Requirement::Required;
                        findings.push(self.finding(attribute, defect, message, written.consequence_invalid));
                        continue;
                    }
                    text.push(if text.is_empty() { '{' } else { ',' });
                    write_json_string(member, &mut text);
                    text.push(':');
                    write_json_string(value, &mut text);
                }
            }
        }
        if !text.is_empty() {
            text.push('}');
        }
        (text, whole)
    }

    fn published(&self, output: &FeedOutput, member: &str) -> Option<usize> {
        let object = output.object.as_deref().unwrap_or("");
        let places = self.shape.objects.get(object)?;
        places.iter().copied().find(|&place| self.shape.published[place].member() == member)
    }

    /// The value given for all items: `--set` wins over `[defaults]`.
    fn value(&self, attribute: &str) -> Option<&str> {
        let given = self.wishes.set.iter().rev().chain(&self.wishes.defaults);
        given.into_iter().find(|(name, value)| name == attribute && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn finding(&self, attribute: &str, defect: &str, message: String, consequence: Consequence) -> Finding {
        debug_assert!(Attributes::shared().id(attribute).is_some(), "the code names an attribute");
        let hint = format!("give `--set {attribute}=VALUE`, or `{attribute}` under [defaults]");
        let code = format!("{attribute}/{defect}");
        let place = Place { source: u16::MAX, ..Place::default() };
        let mut finding = notice(&code, Severity::of(consequence), message, &hint, place);
        finding.consequence = consequence;
        finding.attribute = Some(attribute.into());
        finding.target = Some(self.spec.name().into());
        finding.spec_source = Some(self.spec.identity.source.as_str().into());
        finding
    }
}
