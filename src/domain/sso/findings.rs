//! What somebody who looks at a provider finds.

/// What was found of a provider that answered: lines for people, and whether it is fit for sign-ins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    lines: Vec<String>,
    has_defects: bool,
}

impl Findings {
    /// Something to know.
    pub fn note(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Something to see to: sign-ins work, or most do.
    pub fn warn(&mut self, line: &str) {
        self.lines.push(format!("warning: {line}"));
    }

    /// Something that no sign-in gets past.
    pub fn defect(&mut self, line: &str) {
        self.lines.push(format!("defect: {line}"));
        self.has_defects = true;
    }

    /// Whether people can sign in there.
    pub const fn is_fit(&self) -> bool {
        !self.has_defects
    }

    /// A line each.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The same, taken out.
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
