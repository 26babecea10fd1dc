//! The fields of a FIT record as channels.

use std::collections::BTreeMap;

use rustyfit::profile::lookup;
use rustyfit::profile::mesgdef::{FieldDescription, Record};
use rustyfit::profile::typedef::{FitBaseType, MesgNum};
use rustyfit::proto::{Field, Message, MessageDefinition, Value};

use crate::base::Unit;
use crate::telemetry::channels::{self, snake_case};
use crate::telemetry::table::Table;

/// Most developer fields that a file may describe: the decoder looks each up
/// among all.
const MOST_DEVELOPER: usize = 512;

/// Most values of an array that become channels of their own.
const MOST_VALUES: usize = 16;

/// Fields of the profile that are a channel of the registry under another name,
/// the better of two first.
const CHANNELS: &[(u8, &str)] = &[
    (Record::POSITION_LAT, "latitude"),
    (Record::POSITION_LONG, "longitude"),
    (Record::ENHANCED_ALTITUDE, "altitude"),
    (Record::ALTITUDE, "altitude"),
    (Record::ENHANCED_SPEED, "speed"),
    (Record::SPEED, "speed"),
    (Record::GRADE, "gradient"),
];

/// A developer field: its channel.
struct Developer {
    name: String,
    unit: Unit,
    scale: f64,
    offset: f64,
    base: FitBaseType,
    /// The profile's field that it stands for.
    native: Option<u8>,
}

/// A channel of a field of the profile.
struct Known {
    name: String,
    unit: Unit,
    scale: f64,
    offset: f64,
}

/// What is known of the records of a file.
#[derive(Default)]
pub(super) struct Records {
    /// For each local kind of message, how many bytes its fields have.
    sizes: BTreeMap<u8, BTreeMap<u8, u8>>,
    developer: BTreeMap<(u8, u8), Developer>,
    /// The channels of fields, each looked up once.
    known: BTreeMap<u8, Known>,
    /// The distance of [`Records::compressed`] so far, and its last 12 bits.
    distance: (u64, u32),
}

impl Records {
    pub(super) fn define(&mut self, definition: &MessageDefinition) {
        if definition.mesg_num == MesgNum::RECORD {
            let sizes = definition.field_definitions.iter().map(|field| (field.num, field.size)).collect();
            self.sizes.insert(definition.header & 0x0f, sizes);
        }
    }

    /// Takes the description of a developer field.
    pub(super) fn describe(&mut self, message: &Message) {
        let description = FieldDescription::from(message);
        let of_record = matches!(description.native_mesg_num, MesgNum::RECORD | MesgNum(u16::MAX));
        let native = Some(description.native_field_num).filter(|num| of_record && *num != u8::MAX);
        let native = native.filter(|num| lookup::field_reference(MesgNum::RECORD, *num).is_some());
        let first = |texts: &[Box<str>]| texts.first().map(|text| text.trim().to_owned()).unwrap_or_default();
        let name = snake_case(&first(&description.field_name));
        let key = (description.developer_data_index, description.field_definition_number);
        if name.is_empty() || (self.developer.len() >= MOST_DEVELOPER && !self.developer.contains_key(&key)) {
            return;
        }
        let unit = Unit::parse(&first(&description.units)).unwrap_or(Unit::None);
        let scale = Some(description.scale).filter(|scale| *scale != u8::MAX && *scale != 0);
        let offset = Some(description.offset).filter(|offset| *offset != i8::MAX);
        let developer = Developer {
            name,
            unit,
            scale: scale.map_or(1.0, f64::from),
            offset: offset.map_or(0.0, f64::from),
            base: description.fit_base_type_id,
            native,
        };
        self.developer.insert(key, developer);
    }

    /// The fields of a record into the table's row.
    pub(super) fn read(&mut self, message: &Message, table: &mut Table) {
        let compressed = message.header & 0x80 != 0;
        let local = if compressed { message.header >> 5 & 0x03 } else { message.header & 0x0f };
        // The better of two fields for one thing is set first.
        let better = |field: &&Field| matches!(field.num, Record::ENHANCED_ALTITUDE | Record::ENHANCED_SPEED);
        let (first, rest): (Vec<&Field>, Vec<&Field>) = message.fields.iter().partition(better);
        for field in first.into_iter().chain(rest) {
            match field.num {
                Record::TIMESTAMP | Record::FRACTIONAL_CADENCE => {}
                Record::COMPRESSED_SPEED_DISTANCE => self.compressed(&field.value, table),
                _ => {
                    let size = self.sizes.get(&local).and_then(|sizes| sizes.get(&field.num)).copied();
                    let known = self.known.entry(field.num).or_insert_with(|| known(field.num));
                    read_field(message, field, size, known, table);
                }
            }
        }
        self.developers(message, table);
    }

    /// Three bytes of old computers: 12 bits of speed in 1 / 100 m/s, then 12
    /// bits of a distance in 1 / 16 m that starts again at 256 m.
    fn compressed(&mut self, value: &Value, table: &mut Table) {
        let Value::ArrayUint8(bytes) = value else { return };
        let [low, middle, high] = bytes[..] else { return };
        if [low, middle, high] == [0xff; 3] {
            return;
        }
        let speed = u32::from(low) | u32::from(middle & 0x0f) << 8;
        let distance = u32::from(middle >> 4) | u32::from(high) << 4;
        let grown = distance.wrapping_sub(self.distance.1) & 0x0fff;
        self.distance = (self.distance.0 + u64::from(grown), distance);
        set(table, "speed", Unit::MetresPerSecond, f64::from(speed) / 100.0);
        set(table, "distance", Unit::Metres, self.distance.0 as f64 / 16.0);
    }

    fn developers(&mut self, message: &Message, table: &mut Table) {
        for field in &message.developer_fields {
            let Some(developer) = self.developer.get(&(field.developer_data_index, field.num)) else { continue };
            let numbers = numbers(&field.value, developer.base, None);
            let [Some(value)] = numbers[..] else { continue };
            let value = value / developer.scale - developer.offset;
            if let Some(native) = developer.native {
                let known = self.known.entry(native).or_insert_with(|| known(native));
                let converted = match developer.unit {
                    Unit::None => Some(value),
                    unit => unit.convert(value, known.unit),
                };
                if let Some(value) = converted
                    && set(table, &known.name, known.unit, value)
                {
                    continue;
                }
            }
            if !set(table, &developer.name, developer.unit, value) {
                set(table, &format!("developer_{}", developer.name), developer.unit, value);
            }
        }
    }
}

/// One field of the profile into the table's row.
fn read_field(message: &Message, field: &Field, size: Option<u8>, known: &Known, table: &mut Table) {
    let convert = |value: f64| value / known.scale - known.offset;
    let numbers = numbers(&field.value, field.base_type, size);
    if let [one] = numbers[..] {
        let Some(mut value) = one.map(convert) else { return };
        if field.num == Record::CADENCE {
            value += fraction_of_cadence(message);
        }
        set(table, &known.name, known.unit, value);
        return;
    }
    for (at, value) in numbers.iter().enumerate().take(MOST_VALUES) {
        if let Some(value) = value {
            set(table, &format!("{}_{}", known.name, at + 1), known.unit, convert(*value));
        }
    }
}

/// Sets a channel of the row, in the registry's unit where it is one of its,
/// unless it is set or the units do not fit.
fn set(table: &mut Table, name: &str, unit: Unit, value: f64) -> bool {
    let (unit, value) = match channels::find(name) {
        Some(kind) if unit == Unit::None => (kind.unit, Some(value)),
        Some(kind) => (kind.unit, unit.convert(value, kind.unit)),
        None => (unit, Some(value)),
    };
    let (Some(value), Some(column)) = (value, table.column(name, unit)) else { return false };
    let free = table.row().get(column).is_some_and(|value| value.is_nan());
    if free {
        table.set(column, value);
    }
    free
}

/// The channel of a field of the profile; of one that it does not know, one
/// with its number.
fn known(num: u8) -> Known {
    let Some(field) = lookup::field_reference(MesgNum::RECORD, num) else {
        return Known { name: format!("unknown_{num}"), unit: Unit::None, scale: 1.0, offset: 0.0 };
    };
    let channel = CHANNELS.iter().find(|(other, _)| *other == num);
    let unit = Unit::parse(field.units()).unwrap_or(Unit::None);
    let name = channel.map_or(field.name(), |(_, name)| name);
    Known { name: name.to_owned(), unit, scale: field.scale(), offset: field.offset() }
}

/// What a computer that counts parts of a turn adds to `cadence`.
fn fraction_of_cadence(message: &Message) -> f64 {
    let field = message.fields.iter().find(|field| field.num == Record::FRACTIONAL_CADENCE);
    match field.map(|field| &field.value) {
        Some(Value::Uint8(value)) if *value != u8::MAX => f64::from(*value) / 128.0,
        _ => 0.0,
    }
}

/// The numbers of a value, `None` for each that FIT calls invalid. `size` is
/// the number of bytes in the file, which may be fewer than the type has: the
/// decoder fills up with zeros, which is neither the sign nor the mark of an
/// invalid value.
fn numbers(value: &Value, base: FitBaseType, size: Option<u8>) -> Vec<Option<f64>> {
    let zero = matches!(base, FitBaseType::UINT8Z | FitBaseType::UINT16Z | FitBaseType::UINT32Z | FitBaseType::UINT64Z);
    let size = size.unwrap_or(u8::MAX).clamp(1, 8);
    let unsigned = |value: u64, width: u8| {
        let invalid = if zero { 0 } else { u64::MAX >> (64 - 8 * u32::from(width.min(size))) };
        (value != invalid).then_some(value as f64)
    };
    let signed = |value: i64, width: u8| {
        let unused = 64 - 8 * u32::from(width.min(size));
        let value = value << unused >> unused;
        (value != i64::MAX >> unused).then_some(value as f64)
    };
    let float = |value: f64| Some(value).filter(|value| value.is_finite());
    match value {
        Value::Int8(v) => vec![signed(i64::from(*v), 1)],
        Value::Uint8(v) => vec![unsigned(u64::from(*v), 1)],
        Value::Int16(v) => vec![signed(i64::from(*v), 2)],
        Value::Uint16(v) => vec![unsigned(u64::from(*v), 2)],
        Value::Int32(v) => vec![signed(i64::from(*v), 4)],
        Value::Uint32(v) => vec![unsigned(u64::from(*v), 4)],
        Value::Int64(v) => vec![signed(*v, 8)],
        Value::Uint64(v) => vec![unsigned(*v, 8)],
        Value::Float32(v) => vec![float(f64::from(*v))],
        Value::Float64(v) => vec![float(*v)],
        Value::ArrayInt8(all) => all.iter().map(|v| signed(i64::from(*v), 1)).collect(),
        Value::ArrayUint8(all) => all.iter().map(|v| unsigned(u64::from(*v), 1)).collect(),
        Value::ArrayInt16(all) => all.iter().map(|v| signed(i64::from(*v), 2)).collect(),
        Value::ArrayUint16(all) => all.iter().map(|v| unsigned(u64::from(*v), 2)).collect(),
        Value::ArrayInt32(all) => all.iter().map(|v| signed(i64::from(*v), 4)).collect(),
        Value::ArrayUint32(all) => all.iter().map(|v| unsigned(u64::from(*v), 4)).collect(),
        Value::ArrayInt64(all) => all.iter().map(|v| signed(*v, 8)).collect(),
        Value::ArrayUint64(all) => all.iter().map(|v| unsigned(*v, 8)).collect(),
        Value::ArrayFloat32(all) => all.iter().map(|v| float(f64::from(*v))).collect(),
        Value::ArrayFloat64(all) => all.iter().map(|v| float(*v)).collect(),
        Value::Invalid | Value::String(_) | Value::ArrayString(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_values_are_known_at_every_size() {
        let one = |value, base, size| numbers(&value, base, size)[0];
        assert_eq!(one(Value::Uint8(255), FitBaseType::UINT8, None), None);
        assert_eq!(one(Value::Uint8(0), FitBaseType::UINT8Z, None), None);
        assert_eq!(one(Value::Uint8(0), FitBaseType::UINT8, None), Some(0.0));
        assert_eq!(one(Value::Int32(i32::MAX), FitBaseType::SINT32, None), None);
        // Two bytes where the profile has four.
        assert_eq!(one(Value::Uint32(0xffff), FitBaseType::UINT32, Some(2)), None);
        assert_eq!(one(Value::Uint32(0xffff), FitBaseType::UINT32, Some(4)), Some(65_535.0));
        assert_eq!(one(Value::Int32(0xffff), FitBaseType::SINT32, Some(2)), Some(-1.0));
        assert_eq!(one(Value::Int32(0x7fff), FitBaseType::SINT32, Some(2)), None);
        assert_eq!(one(Value::Float32(f32::NAN), FitBaseType::FLOAT32, None), None);
    }
}
