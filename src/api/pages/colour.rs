//! A colour of the operator's choice, and what has to become of it so that everything stays readable.

use std::fmt;

/// What WCAG asks of text at AA.
const READABLE: f64 = 4.5;
/// What text in the accent colour stands on by day and at night (`static/app.css`): card, paper and tint.
const DAY: [Colour; 3] = [
    Colour([0xff, 0xff, 0xff]),
    Colour([0xf5, 0xf1, 0xe8]),
    Colour([0xe6, 0xf0, 0xed]),
];
const NIGHT: [Colour; 3] = [
    Colour([0x1c, 0x22, 0x24]),
    Colour([0x14, 0x18, 0x1a]),
    Colour([0x22, 0x33, 0x2f]),
];
const BLACK: Colour = Colour([0; 3]);
const WHITE: Colour = Colour([0xff; 3]);
/// Steps from a colour to black or white.
const STEPS: u16 = 40;
/// How many of them set a button apart from itself under the pointer.
const HOVER_STEPS: u16 = 6;

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// WCAG's relative luminance.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// That many of [`STEPS`] on the way to another colour.
    fn towards(self, other: Self, steps: u16) -> Self {
        let mix = |index: usize| {
            let (from, to) = (u16::from(self.0[index]), u16::from(other.0[index]));
            let mixed = (from * (STEPS - steps) + to * steps) / STEPS;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self([mix(0), mix(1), mix(2)])
    }

    /// Black or white, whichever reads better on it: one of them always does well enough.
    fn text_on(self) -> Self {
        if self.contrast(BLACK) >= self.contrast(WHITE) {
            BLACK
        } else {
            WHITE
        }
    }

    /// The nearest shade that is readable as text on all of these.
    fn readable_on(self, grounds: &[Self], extreme: Self) -> Self {
        let shades = (0..=STEPS).map(|steps| self.towards(extreme, steps));
        let is_readable = |shade: &Self| {
            grounds
                .iter()
                .all(|ground| shade.contrast(*ground) >= READABLE)
        };
        shades.clone().find(is_readable).unwrap_or(extreme)
    }

    /// The style sheet that puts the colour in place of ours.
    pub fn style_sheet(self) -> String {
        let text = self.text_on();
        // Under the pointer it moves away from its text, so that contrast only grows.
        let away = if text == BLACK { WHITE } else { BLACK };
        let deep = self.towards(away, HOVER_STEPS);
        let scheme = |grounds: &[Self], extreme: Self| {
            let accent = self.readable_on(grounds, extreme);
            format!(
                ":root {{ --accent: {accent}; --accent-deep: {}; --on-accent: {}; --brand: {self}; --brand-deep: {deep}; \
                 --on-brand: {text}; }}",
                accent.towards(extreme, HOVER_STEPS),
                accent.text_on(),
            )
        };
        format!(
            "{}\n@media (prefers-color-scheme: dark) {{ {} }}\n",
            scheme(&DAY, BLACK),
            scheme(&NIGHT, WHITE)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contrast_is_what_wcag_computes() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 0.001);
        let grey = Colour::parse("#767676").unwrap();
        assert!((grey.contrast(WHITE) - 4.54).abs() < 0.01);
        assert_eq!(grey.to_string(), "#767676");
        assert_eq!(Colour::parse("#76767"), None);
        assert_eq!(Colour::parse("#+76767"), None);
    }

    #[test]
    fn a_bright_colour_keeps_itself_on_buttons_and_is_darkened_as_text() {
        let sheet = Colour::parse("#ffd400").unwrap().style_sheet();
        assert!(sheet.contains("--brand: #ffd400"), "{sheet}");
        assert!(sheet.contains("--on-brand: #000000"), "{sheet}");
        assert!(
            !sheet.contains("--accent: #ffd400; --accent-deep: #d9"),
            "{sheet}"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_colour_text_in_it_and_on_it_is_readable(red: u8, green: u8, blue: u8) {
            let colour = Colour([red, green, blue]);
            prop_assert!(colour.contrast(colour.text_on()) >= READABLE);
            for (grounds, extreme) in [(DAY, BLACK), (NIGHT, WHITE)] {
                let accent = colour.readable_on(&grounds, extreme);
                prop_assert!(accent.contrast(accent.text_on()) >= READABLE);
                for ground in grounds {
                    prop_assert!(accent.contrast(ground) >= READABLE);
                    prop_assert!(accent.towards(extreme, HOVER_STEPS).contrast(ground) >= READABLE);
                }
            }
        }
    }
}
