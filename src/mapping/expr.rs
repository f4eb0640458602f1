//! Templates and conditions: the only file that names the expression crate.

use crate::product::text_distance::nearest;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use std::collections::BTreeMap;

/// A column or attribute name as templates write it: letters and digits, anything else as `_`.
pub fn variable(name: &str) -> String {
    let mut out: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    while out.contains("__") {
        out = out.replace("__", "_");
    }
    out.trim_matches('_').to_owned()
}

/// A compiled template or condition.
#[derive(Debug)]
pub struct Expression {
    environment: Environment<'static>,
    names: Vec<String>,
    condition: bool,
}

const MAIN: &str = "main";

impl Expression {
    /// Compiles a template such as `{{ base_url }}/p/{{ Handle }}`.
    ///
    /// # Errors
    /// What is wrong, with the nearest known name for one that is not among `known`.
    pub fn template(source: &str, known: &[String]) -> Result<Self, String> {
        Self::compile(source.to_owned(), known, false)
    }

    /// Compiles a condition such as `availability == 'out_of_stock'`.
    ///
    /// # Errors
    /// As for [`Expression::template`].
    pub fn condition(source: &str, known: &[String]) -> Result<Self, String> {
        Self::compile(format!("{{% if {source} %}}1{{% endif %}}"), known, true)
    }

    fn compile(source: String, known: &[String], condition: bool) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_template_owned(MAIN, source).map_err(|error| error.detail().map_or_else(|| error.to_string(), str::to_owned))?;
        let template = environment.get_template(MAIN).map_err(|error| error.to_string())?;
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.sort();
        for name in &names {
            if !known.contains(name) {
                let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?"));
                return Err(format!("`{name}` is not known here{}", near.unwrap_or_default()));
            }
        }
        let expression = Self { environment, names, condition };
        // Filters and functions are only looked up when they run: run once without values.
        let context: BTreeMap<&str, Value> = expression.names.iter().map(|name| (name.as_str(), Value::from(""))).collect();
        if let Err(error) = expression.environment.get_template(MAIN).and_then(|template| template.render(context))
            && matches!(
                error.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest | ErrorKind::UnknownMethod
            )
        {
            return Err(error.detail().map_or_else(|| error.to_string(), str::to_owned));
        }
        Ok(expression)
    }

    /// The names it reads.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Renders with the values `value_of` gives; a condition renders to `1` or nothing.
    ///
    /// # Errors
    /// What the expression could not do with the values.
    pub fn render<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> Result<String, String> {
        let context: BTreeMap<&str, Value> =
            self.names.iter().map(|name| (name.as_str(), value_of(name).map_or(Value::from(""), Value::from))).collect();
        let template = self.environment.get_template(MAIN).map_err(|error| error.to_string())?;
        template.render(context).map_err(|error| error.detail().map_or_else(|| error.to_string(), str::to_owned))
    }

    /// Whether this is a condition.
    pub fn is_condition(&self) -> bool {
        self.condition
    }
}

#[cfg(test)]
mod tests {
    use super::{Expression, variable};

    #[test]
    fn templates_and_conditions() {
        assert_eq!(variable("Body (HTML)"), "Body_HTML");
        let known = ["base_url".to_owned(), "Handle".to_owned()];
        let template = Expression::template("{{ base_url }}/p/{{ Handle }}", &known).expect("sound");
        let value = |name: &str| Some(if name == "Handle" { "x & y" } else { "https://a.example" });
        assert_eq!(template.render(value).as_deref(), Ok("https://a.example/p/x & y"));
        let condition = Expression::condition("Handle == 'x'", &known).expect("sound");
        assert_eq!(condition.render(|_| Some("x")).as_deref(), Ok("1"));
        assert_eq!(condition.render(|_| None).as_deref(), Ok(""));
    }

    #[test]
    fn unknown_names_are_found_before_any_row() {
        let error = Expression::template("{{ Handel }}", &["Handle".to_owned()]).expect_err("unknown");
        assert!(error.contains("did you mean `Handle`?"), "{error}");
        assert!(Expression::template("{{ x", &[]).is_err());
        assert!(Expression::template("{{ Handle | nosuch }}", &["Handle".to_owned()]).is_err());
    }
}
