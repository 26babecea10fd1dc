//! What an expression measures. Quantities of different kinds are not added or
//! compared; a bare number has no unit; 0 is 0 of anything.

use super::{Fault, Function, Operator, Term, TermKind};
use crate::base::{Powers, Unit, UnitKind};

/// What is known of a channel that an expression names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    In(Unit),
    /// It may be there, in whatever unit.
    Maybe,
    /// There is none: with what to do.
    Missing(Option<String>),
}

/// What an expression measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed {
    /// What its values are in at the end.
    pub unit: Unit,
    /// Whether they have to be brought to `unit` from the base unit of its kind:
    /// else they are numbers that it only names.
    pub converts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// 0, or a channel of which nothing is known yet.
    Any,
    /// A condition.
    Truth,
    Of(Powers),
}

/// Checks `term`, which stands in `text`, and says what it is in: in `wanted`,
/// if that can be.
pub fn typed(term: &Term, text: &str, wanted: Option<Unit>, channel: &dyn Fn(&str) -> Known) -> Result<Typed, Fault> {
    let checker = Checker { text, channel };
    let powers = match checker.of(term)? {
        Type::Any => return Ok(Typed { unit: wanted.unwrap_or(Unit::None), converts: true }),
        Type::Truth => return Ok(Typed { unit: wanted.unwrap_or(Unit::None), converts: false }),
        Type::Of(powers) if powers.is_number() => {
            return Ok(Typed { unit: wanted.unwrap_or(Unit::None), converts: false });
        }
        Type::Of(powers) => powers,
    };
    // As the first channel has it that measures the same.
    let units = term.channels().into_iter().filter_map(|(name, _)| match channel(name) {
        Known::In(unit) => Some(unit),
        Known::Maybe | Known::Missing(_) => None,
    });
    let own = units.into_iter().find(|unit| unit.kind().powers() == powers);
    let own = own.or_else(|| powers.kind().map(UnitKind::base));
    match (wanted, own) {
        (Some(wanted), _) if wanted.kind().powers() == powers => Ok(Typed { unit: wanted, converts: true }),
        (Some(wanted), Some(own)) => Err(Fault::new(
            term.span.clone(),
            format!("the result is in {own} and cannot be in {}", described(wanted.kind().powers(), Some(wanted))),
        )
        .hint("name a unit of the same kind, or give numbers their units: `power / 72kg` is in W/kg")),
        (wanted, None) => Ok(Typed { unit: wanted.unwrap_or(Unit::None), converts: false }),
        (None, Some(own)) => Ok(Typed { unit: own, converts: true }),
    }
}

/// A unit for messages.
fn described(powers: Powers, unit: Option<Unit>) -> String {
    match unit.or_else(|| powers.kind().map(UnitKind::base)) {
        Some(Unit::None) => "no unit".to_owned(),
        Some(unit) => unit.to_string(),
        None => powers.to_string(),
    }
}

struct Checker<'a> {
    text: &'a str,
    channel: &'a dyn Fn(&str) -> Known,
}

impl Checker<'_> {
    fn of(&self, term: &Term) -> Result<Type, Fault> {
        match &term.kind {
            TermKind::Number(value, Unit::None) if *value == 0.0 => Ok(Type::Any),
            TermKind::Number(_, unit) => Ok(Type::Of(unit.kind().powers())),
            TermKind::Channel(name) => match (self.channel)(name) {
                Known::In(unit) => Ok(Type::Of(unit.kind().powers())),
                Known::Maybe => Ok(Type::Any),
                Known::Missing(hint) => {
                    let fault = Fault::new(term.span.clone(), format!("there is no channel `{name}`"));
                    Err(Fault { hint, ..fault })
                }
            },
            TermKind::Negative(inner) => self.quantity(inner),
            TermKind::Not(inner) => self.truth(inner),
            TermKind::Binary(operator, a, b) => self.binary(term, *operator, a, b),
            TermKind::Call(function, arguments) => self.call(term, *function, arguments),
        }
    }

    fn written(&self, term: &Term) -> &str {
        self.text.get(term.span.clone()).unwrap_or_default().trim()
    }

    fn truth(&self, term: &Term) -> Result<Type, Fault> {
        match self.of(term)? {
            Type::Truth | Type::Any => Ok(Type::Truth),
            Type::Of(_) => Err(Fault::new(term.span.clone(), format!("`{}` is no condition", self.written(term)))
                .hint(format!("compare it: `{} > 0`", self.written(term)))),
        }
    }

    fn quantity(&self, term: &Term) -> Result<Type, Fault> {
        match self.of(term)? {
            Type::Truth => Err(Fault::new(term.span.clone(), format!("`{}` is a condition", self.written(term)))
                .hint("make a number of it: `if(condition, 1, 0)`")),
            other => Ok(other),
        }
    }

    /// What both measure.
    fn alike(&self, a: &Term, b: &Term, cannot: &str) -> Result<Type, Fault> {
        let (one, other) = (self.quantity(a)?, self.quantity(b)?);
        self.same(a, one, b, other, cannot)
    }

    fn same(&self, a: &Term, one: Type, b: &Term, other: Type, cannot: &str) -> Result<Type, Fault> {
        let (powers, others) = match (one, other) {
            (Type::Any, other) => return Ok(other),
            (one, Type::Any) => return Ok(one),
            (Type::Of(powers), Type::Of(others)) if powers != others => (powers, others),
            (one, other) if one == other => return Ok(one),
            _ => {
                return Err(Fault::new(
                    a.span.start..b.span.end,
                    format!("`{}` and `{}`: one is a condition, the other is not", self.written(a), self.written(b)),
                ));
            }
        };
        let unit = |term: &Term, powers: Powers| {
            let first = term.channels().into_iter().find_map(|(name, _)| match (self.channel)(name) {
                Known::In(unit) if unit.kind().powers() == powers => Some(unit),
                _ => None,
            });
            let literal = if let TermKind::Number(_, unit) = term.kind { Some(unit) } else { None };
            described(powers, first.or(literal))
        };
        let (left, right) = (unit(a, powers), unit(b, others));
        let message = format!("`{}` is in {left} and `{}` in {right}: they {cannot}", self.written(a), self.written(b));
        let fault = Fault::new(a.span.start.min(b.span.start)..b.span.end.max(a.span.end), message);
        let bare = |term: &Term| matches!(term.kind, TermKind::Number(_, Unit::None));
        Err(match (bare(a), bare(b)) {
            (false, true) => fault.hint(format!("give the number its unit: `{}{left}`", self.written(b))),
            (true, false) => fault.hint(format!("give the number its unit: `{}{right}`", self.written(a))),
            _ => fault.hint("only what is measured in units of one kind goes together"),
        })
    }

    fn binary(&self, term: &Term, operator: Operator, a: &Term, b: &Term) -> Result<Type, Fault> {
        use Operator::*;
        match operator {
            Add | Subtract => self.alike(a, b, "cannot be added or subtracted"),
            Remainder => self.alike(a, b, "cannot be divided with a remainder"),
            Less | LessOrEqual | Greater | GreaterOrEqual | Equal | Unequal => {
                self.alike(a, b, "cannot be compared")?;
                Ok(Type::Truth)
            }
            And | Or => {
                self.truth(a)?;
                self.truth(b)
            }
            Multiply | Divide => {
                let times = if operator == Multiply { 1 } else { -1 };
                Ok(match (self.quantity(a)?, self.quantity(b)?) {
                    (Type::Of(a), Type::Of(b)) => Type::Of(a.with(b, times)),
                    _ => Type::Any,
                })
            }
            Power => self.power(term, a, b),
        }
    }

    fn power(&self, term: &Term, a: &Term, b: &Term) -> Result<Type, Fault> {
        let base = self.quantity(a)?;
        match self.quantity(b)? {
            Type::Of(powers) if !powers.is_number() => {
                return Err(Fault::new(b.span.clone(), "an exponent has no unit"));
            }
            _ => {}
        }
        let Type::Of(powers) = base else { return Ok(base) };
        if powers.is_number() {
            return Ok(base);
        }
        let whole = match &b.kind {
            TermKind::Number(value, Unit::None) if *value == libm::trunc(*value) && *value <= 8.0 => Some(*value as i8),
            _ => None,
        };
        match whole {
            Some(times) => Ok(Type::Of(Powers::default().with(powers, times))),
            None => Err(Fault::new(
                term.span.clone(),
                format!("`{}` is in {}: its exponent is a whole number", self.written(a), described(powers, None)),
            )
            .hint("divide by a unit first: `(speed / 1km/h) ^ 1.5`")),
        }
    }

    fn call(&self, term: &Term, function: Function, arguments: &[Term]) -> Result<Type, Fault> {
        use Function::*;
        let [first, rest @ ..] = arguments else { return Ok(Type::Any) };
        match function {
            Abs => self.quantity(first),
            Sqrt => match self.quantity(first)? {
                Type::Of(powers) if powers.0.iter().any(|power| power % 2 != 0) => Err(Fault::new(
                    term.span.clone(),
                    format!("nothing is measured in the square root of {}", described(powers, None)),
                )
                .hint("divide by a unit first: `sqrt(power / 1W)`")),
                Type::Of(powers) => Ok(Type::Of(Powers(powers.0.map(|power| power / 2)))),
                other => Ok(other),
            },
            Round | Floor | Ceil => match (self.quantity(first)?, rest) {
                (kind, [step]) => {
                    let step_kind = self.quantity(step)?;
                    self.same(first, kind, step, step_kind, "cannot be rounded to each other")
                }
                (Type::Of(powers), []) if !powers.is_number() => Err(Fault::new(
                    term.span.clone(),
                    format!("`{}` is in {}: to what is it rounded?", self.written(first), described(powers, None)),
                )
                .hint(format!(
                    "name the step: `round({}, 1{})`",
                    self.written(first),
                    described(powers, None)
                ))),
                (kind, _) => Ok(kind),
            },
            Min | Max | Clamp | First | Hypot => {
                let mut kind = self.quantity(first)?;
                for other in rest {
                    let next = self.quantity(other)?;
                    kind = self.same(first, kind, other, next, "do not go together")?;
                }
                Ok(kind)
            }
            If => {
                self.truth(first)?;
                match rest {
                    [a, b] => {
                        let (one, other) = (self.of(a)?, self.of(b)?);
                        self.same(a, one, b, other, "are not one value")
                    }
                    _ => Ok(Type::Any),
                }
            }
            Known => {
                self.of(first)?;
                Ok(Type::Truth)
            }
            Sin | Cos | Tan => self.in_kind(first, UnitKind::Angle, "angle").map(|()| Type::Of(Powers::default())),
            Atan2 => {
                if let Some(second) = rest.first() {
                    self.alike(first, second, "do not make an angle")?;
                }
                Ok(Type::Of(UnitKind::Angle.powers()))
            }
            Exp | Ln => self.in_kind(first, UnitKind::Number, "bare number").map(|()| Type::Of(Powers::default())),
            Mean | Highest | Lowest | Rate | Integral => {
                let kind = self.quantity(first)?;
                if let Some(time) = rest.first() {
                    self.span_of_time(time)?;
                }
                let times = match function {
                    Rate => -1,
                    Integral => 1,
                    _ => 0,
                };
                Ok(match kind {
                    Type::Of(powers) => Type::Of(powers.with(UnitKind::Time.powers(), times)),
                    other => other,
                })
            }
        }
    }

    fn in_kind(&self, term: &Term, kind: UnitKind, what: &str) -> Result<(), Fault> {
        match self.quantity(term)? {
            Type::Of(powers) if powers != kind.powers() => Err(Fault::new(
                term.span.clone(),
                format!("`{}` is in {} and no {what}", self.written(term), described(powers, None)),
            )),
            _ => Ok(()),
        }
    }

    /// How far a function looks back is written down: it must not change.
    fn span_of_time(&self, term: &Term) -> Result<(), Fault> {
        match &term.kind {
            TermKind::Number(value, unit) if unit.kind() == UnitKind::Time && *value > 0.0 => Ok(()),
            _ => Err(Fault::new(term.span.clone(), format!("`{}` is no length of time", self.written(term)))
                .hint("write one such as `10s` or `2min`")),
        }
    }
}
