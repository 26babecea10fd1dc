//! Values about pictures: rates, sizes, lengths, colours, places in a frame.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Wrong, decimal, exact, from_text, number_or_text};
use crate::base::diagnostic::nearest;
use crate::base::{FrameRate, Size};
use crate::manifest::checker::Checker;
use crate::manifest::schema::{FromNode, choice, choices, list, mismatch};
use crate::manifest::tree::{Node, Value, quoted};
use crate::model::Fit;

/// Rates that are spoken of as decimals but are these fractions.
const SPOKEN: &[(&str, u32)] = &[
    ("23.976", 24_000),
    ("23.98", 24_000),
    ("29.97", 30_000),
    ("47.952", 48_000),
    ("59.94", 60_000),
    ("119.88", 120_000),
    ("239.76", 240_000),
];

/// The fastest rate that is believed.
const MAX_RATE: u32 = 1_000;

impl FromNode for FrameRate {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let Some(text) = number_or_text(node) else {
            mismatch::<Self>(node, checker);
            return None;
        };
        parse_rate(&text).map_err(|wrong| wrong.report(node, checker)).ok()
    }

    fn expects() -> String {
        "a rate per second such as 30 or \"30000/1001\"".to_owned()
    }

    fn to_text(&self) -> String {
        if self.denominator() == 1 { self.to_string() } else { format!("\"{self}\"") }
    }
}

fn parse_rate(text: &str) -> Result<FrameRate, Wrong> {
    let form = "write a whole number or a fraction: 30 or \"30000/1001\"";
    let wrong = || Wrong::new(format!("{} is not a rate", quoted(text)));
    if let Some((_, num)) = SPOKEN.iter().find(|(spoken, _)| exact(spoken, 3) == exact(text, 3)) {
        let wrong = Wrong::new(format!("{text} is not an exact rate"));
        return Err(wrong.hint(format!("this rate is exactly \"{num}/1001\"")));
    }
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    if let (true, Some(thousandths)) = (text.contains('.'), exact(text, 3).and_then(|n| u32::try_from(n).ok())) {
        let hint = FrameRate::new(thousandths, 1_000).map_or(form.to_owned(), |rate| match rate.denominator() {
            1 => format!("write {rate}"),
            _ => format!("write it as a fraction: \"{rate}\""),
        });
        return Err(Wrong::new(format!("{text} is not an exact rate")).hint(hint));
    }
    let parsed = num.trim().parse::<u32>().ok().zip(den.trim().parse::<u32>().ok());
    let (num, den) = parsed.ok_or_else(|| wrong().hint(form))?;
    let rate = FrameRate::new(num, den).ok_or_else(|| wrong().hint("neither part of it may be 0"))?;
    if rate.numerator() / rate.denominator() > MAX_RATE {
        return Err(Wrong::new(format!("{text} is more than {MAX_RATE} a second")).hint(form));
    }
    Ok(rate)
}

/// Sizes that have a name.
const SIZES: &[(&str, Size)] = &[
    ("480p", Size::new(854, 480)),
    ("540p", Size::new(960, 540)),
    ("720p", Size::new(1280, 720)),
    ("1080p", Size::new(1920, 1080)),
    ("1440p", Size::new(2560, 1440)),
    ("2160p", Size::new(3840, 2160)),
    ("HD", Size::new(1920, 1080)),
    ("2.7K", Size::new(2704, 1520)),
    ("4K", Size::new(3840, 2160)),
    ("UHD", Size::new(3840, 2160)),
    ("5.3K", Size::new(5312, 2988)),
];

/// The smallest and the largest side of a frame.
const SIDES: std::ops::RangeInclusive<u32> = 16..=16_384;

impl FromNode for Size {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        from_text(node, checker, parse_size)
    }

    fn expects() -> String {
        "a size such as \"1920x1080\", \"1080p\", \"4K\" or, vertical, \"1080x1920\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{self}\"")
    }
}

fn parse_size(text: &str) -> Result<Size, Wrong> {
    let trimmed = text.trim();
    if let Some((_, size)) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed)) {
        return Ok(*size);
    }
    let sides = trimmed
        .split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some(Size::new(width.trim().parse().ok()?, height.trim().parse().ok()?)));
    let Some(size) = sides else {
        let names: Vec<&str> = SIZES.iter().map(|(name, _)| *name).collect();
        let hint = match nearest(trimmed, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "write width and height in pixels: \"1920x1080\"".to_owned(),
        };
        return Err(Wrong::new(format!("{} is not a size", quoted(text))).hint(hint));
    };
    if !SIDES.contains(&size.width) || !SIDES.contains(&size.height) {
        let (least, most) = SIDES.into_inner();
        return Err(Wrong::new(format!("{size} is out of range")).hint(format!("a side has {least} to {most} pixels")));
    }
    if size.width % 2 != 0 || size.height % 2 != 0 {
        let even = Size::new(size.width / 2 * 2, size.height / 2 * 2);
        return Err(Wrong::new(format!("{size} has an odd side, which video cannot have"))
            .hint(format!("the nearest size is \"{even}\"")));
    }
    Ok(size)
}

/// A length relative to the shorter side of the frame, in steps of 1 / 10,000,
/// so that one layout serves every size and shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub i32);

impl Share {
    pub const fn percent(value: i32) -> Self {
        Share(value * 100)
    }

    /// The length in a frame of this size, rounded to whole pixels.
    pub fn pixels(self, frame: Size) -> i32 {
        let scaled = i64::from(frame.shorter()) * i64::from(self.0);
        let rounded = if scaled >= 0 { (scaled + 5_000) / 10_000 } else { (scaled - 5_000) / 10_000 };
        i32::try_from(rounded).unwrap_or(if scaled < 0 { i32::MIN } else { i32::MAX })
    }
}

impl FromNode for Share {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        if let Value::Int(_) | Value::Decimal(_) = &node.value {
            let number = number_or_text(node).unwrap_or_default();
            let message = format!("expected a share of the frame, found the number {number}");
            checker.error_with_hint(node.span, message, format!("write \"{number}%\" of the frame's shorter side"));
            return None;
        }
        from_text(node, checker, |text| {
            let trimmed = text.trim();
            let hint =
                "write a percentage of the frame's shorter side with at most two decimal places: \"18%\", \"2.5%\"";
            let number = trimmed.strip_suffix('%').map(str::trim_end);
            let share = number.and_then(|number| exact(number, 2)).and_then(|share| i32::try_from(share).ok());
            match share {
                Some(share) if (-100_000..=100_000).contains(&share) => Ok(Share(share)),
                Some(_) => Err(Wrong::new(format!("{trimmed} is out of range")).hint("it lies from -1000% to 1000%")),
                None => Err(Wrong::new(format!("{} is not a share of the frame", quoted(text))).hint(hint)),
            }
        })
    }

    fn expects() -> String {
        "a percentage of the frame's shorter side such as \"18%\" or \"2.5%\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{}%\"", decimal(i64::from(self.0), 2))
    }
}

/// A colour in sRGB with straight alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rgba {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
    /// 255 is opaque.
    pub alpha: u8,
}

impl Rgba {
    pub const WHITE: Rgba = Rgba::opaque(255, 255, 255);
    pub const BLACK: Rgba = Rgba::opaque(0, 0, 0);
    pub const TRANSPARENT: Rgba = Rgba::new(0, 0, 0, 0);

    pub const fn new(red: u8, green: u8, blue: u8, alpha: u8) -> Self {
        Rgba { red, green, blue, alpha }
    }

    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Rgba::new(red, green, blue, 255)
    }
}

/// Colours that have a name; the values are those of CSS Color Level 4.
const COLOURS: &[(&str, Rgba)] = &[
    ("white", Rgba::WHITE),
    ("black", Rgba::BLACK),
    ("transparent", Rgba::TRANSPARENT),
    ("gray", Rgba::opaque(128, 128, 128)),
    ("silver", Rgba::opaque(192, 192, 192)),
    ("red", Rgba::opaque(255, 0, 0)),
    ("orange", Rgba::opaque(255, 165, 0)),
    ("gold", Rgba::opaque(255, 215, 0)),
    ("yellow", Rgba::opaque(255, 255, 0)),
    ("lime", Rgba::opaque(0, 255, 0)),
    ("green", Rgba::opaque(0, 128, 0)),
    ("cyan", Rgba::opaque(0, 255, 255)),
    ("blue", Rgba::opaque(0, 0, 255)),
    ("navy", Rgba::opaque(0, 0, 128)),
    ("purple", Rgba::opaque(128, 0, 128)),
    ("magenta", Rgba::opaque(255, 0, 255)),
    ("pink", Rgba::opaque(255, 192, 203)),
];

/// `#rrggbb`, or `#rrggbbaa` where it is not opaque.
impl fmt::Display for Rgba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)?;
        if self.alpha == 255 { Ok(()) } else { write!(f, "{:02x}", self.alpha) }
    }
}

impl FromNode for Rgba {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        from_text(node, checker, parse_colour)
    }

    fn expects() -> String {
        "a colour such as \"#f80\", \"#ff8800\", \"#ff880080\" (with alpha) or \"white\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("\"{self}\"")
    }
}

fn parse_colour(text: &str) -> Result<Rgba, Wrong> {
    let trimmed = text.trim();
    if let Some((_, colour)) = COLOURS.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed)) {
        return Ok(*colour);
    }
    let wrong = || Wrong::new(format!("{} is not a colour", quoted(text)));
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(digits) = trimmed.strip_prefix('#') else {
        let names: Vec<&str> = COLOURS.iter().map(|(name, _)| *name).collect();
        return Err(wrong().hint(match nearest(trimmed, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if is_hex(trimmed) => format!("write \"#{trimmed}\""),
            None => format!("write it like \"#ff8800\", or one of {}", list(&names)),
        }));
    };
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex(digits));
    match (value.map(u32::to_be_bytes), digits.len()) {
        (Some([_, _, high, low]), 3) => Ok(Rgba::opaque((high & 15) * 17, (low >> 4) * 17, (low & 15) * 17)),
        (Some([_, red, green, blue]), 6) => Ok(Rgba::opaque(red, green, blue)),
        (Some([red, green, blue, alpha]), 8) => Ok(Rgba::new(red, green, blue, alpha)),
        _ => Err(wrong().hint("after `#` stand 3, 6 or 8 hexadecimal digits: \"#f80\", \"#ff8800\", \"#ff880080\"")),
    }
}

choices! {
    /// Where in a frame something stands.
    pub enum Anchor = "a place in the frame" {
        TopLeft,
        Top,
        TopRight,
        Left,
        Center,
        Right,
        BottomLeft,
        Bottom,
        BottomRight,
    }
}

impl FromNode for Fit {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        choice(node, "a way to fit", &[("Fit", Fit::Fit), ("Fill", Fit::Fill), ("Blur", Fit::Blur)], checker)
    }

    fn expects() -> String {
        "a way to fit: `Fit` (black bars), `Fill` (cropped) or `Blur` (over a blurred copy of itself)".to_owned()
    }

    fn to_text(&self) -> String {
        format!("{self:?}")
    }
}
