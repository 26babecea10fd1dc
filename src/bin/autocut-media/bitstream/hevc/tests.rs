use super::*;

/// What x265 wrote (320x240, Main 10, `slices=3`): its sets behind start codes,
/// and as FFmpeg's muxer has them in `hvcC`.
pub(super) const VPS_UNIT: &[u8] = &[
    0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
    0x00, 0x3c, 0x95, 0x94, 0x09,
];
pub(super) const SPS_UNIT: &[u8] = &[
    0x42, 0x01, 0x01, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0xa0,
    0x0a, 0x08, 0x0f, 0x13, 0x65, 0x95, 0x95, 0x29, 0x30, 0xbc, 0x05, 0xa0, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00,
    0x00, 0x03, 0x03, 0xc1,
];
const PPS_UNIT: &[u8] = &[0x44, 0x01, 0xc0, 0x73, 0xc1, 0x09];

fn hvcc() -> Vec<u8> {
    let head = [1, 0x02, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x3c, 0xf0, 0, 0xfc, 0xfd, 0xfa, 0xfa, 0, 0, 0x0f, 3];
    let array = |kind, unit: &[u8]| [&[kind, 0, 1, 0, unit.len() as u8], unit].concat();
    [&head[..], &array(VPS, VPS_UNIT), &array(SPS, SPS_UNIT), &array(PPS, PPS_UNIT)].concat()
}

pub(super) fn sets() -> Sets {
    Sets::parse(&hvcc()).unwrap()
}

fn packet(units: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    units.iter().for_each(|unit| nal::put(&mut bytes, unit));
    bytes
}

/// The beginnings of the three slices of its first picture (IDR), and of its
/// second one.
const KEY: [&[u8]; 3] = [
    &[0x28, 0x01, 0xac, 0x20, 0x85, 0xd0, 0x08, 0xa2, 0x24, 0xbc],
    &[0x28, 0x01, 0x25, 0x18, 0x41, 0x8a, 0x9d, 0x65, 0x28, 0x23],
    &[0x28, 0x01, 0x2c, 0x98, 0x41, 0x8a, 0xf1, 0x50, 0xc8, 0x23],
];
const NEXT: [&[u8]; 3] = [
    &[0x02, 0x01, 0xd0, 0x21, 0x49, 0x88, 0x11, 0x04, 0x2a, 0x08],
    &[0x02, 0x01, 0x4a, 0x20, 0x42, 0x93, 0x10, 0x20, 0xc4, 0xc1],
    &[0x02, 0x01, 0x59, 0x20, 0x42, 0x93, 0x10, 0x20, 0xc5, 0x47],
];

#[test]
fn what_is_written_was_read() {
    assert_eq!(sets().to_extradata(true).unwrap(), hvcc());
    let alone = sets().to_extradata(false).unwrap();
    assert_eq!(alone.iter().zip(hvcc()).filter(|(a, b)| **a != *b).count(), 3, "that these are all");
    assert_eq!(Sets::parse(&alone), Some(sets()));
}

#[test]
fn an_encoders_sets_are_those_of_a_container() {
    let stream = [&[0, 0, 0, 1], VPS_UNIT, &[0, 0, 0, 1], SPS_UNIT, &[0, 0, 0, 1], PPS_UNIT].concat();
    assert_eq!(Sets::of_encoder(&stream), Some(sets()));
    assert_eq!(Sets::of_encoder(&stream[..60]), None);
}

#[test]
fn a_sequence_is_read_as_the_encoder_was_told() {
    let sps = Sequence::parse(SPS_UNIT).unwrap();
    assert_eq!((sps.vps, sps.number, sps.format, sps.layers, sps.nested), (0, 0, [1, 2, 2], 1, true));
    // 320x240 in blocks of 32, which `ultrafast` takes.
    assert_eq!(sps.blocks, 10 * 8);
}

/// With layers of time, their profiles and levels stand before the number.
#[test]
fn the_number_of_a_sequence_lies_behind_its_layers() {
    assert_eq!(number_place(&payload(SPS_UNIT)), Some(13 * 8));
    // Three more layers: the first with both, the second with a level, the third
    // with none.
    let mut layered = vec![0x07];
    layered.extend([0; 12]);
    layered.extend([0b1101_0000, 0]);
    assert_eq!(number_place(&layered), Some((13 + 2 + 11 + 1 + 1) * 8));
}

#[test]
fn sets_with_one_number_get_others() {
    let other = &mut sets();
    // Another camera: one bit of the last byte of its picture set.
    other.pps.get_mut(&0).unwrap()[5] = 0x0b;
    assert_eq!(sets().with(&sets()), Some(sets()));
    assert_eq!(sets().with(other), None);
    let (changed, numbers) = other.renumbered(&sets()).unwrap();
    let keys = |map: &BTreeMap<u32, Vec<u8>>| map.keys().copied().collect::<Vec<_>>();
    assert_eq!((keys(&changed.vps), keys(&changed.sps), keys(&changed.pps)), (vec![15], vec![15], vec![15]));
    let (before, after) = (Sequence::parse(SPS_UNIT).unwrap(), Sequence::parse(&changed.sps[&15]).unwrap());
    assert_eq!((after.vps, after.number), (15, 15));
    assert_eq!((before.profile, before.format, before.blocks), (after.profile, after.format, after.blocks));
    // One byte more for the number, and what ends the set still ends it.
    assert_eq!(payload(&changed.sps[&15]).len(), payload(SPS_UNIT).len() + 1);
    let both = sets().with(&changed).unwrap();
    assert_eq!(Sets::parse(&both.to_extradata(false).unwrap()), Some(both.clone()));
    // A third one, beside both.
    let (third, _) = other.renumbered(&both).unwrap();
    assert_eq!((keys(&third.sps), keys(&third.pps)), (vec![14], vec![16]));
    assert!(both.with(&third).is_some());

    let packet = packet(&KEY);
    assert_eq!(sets().obstacle(&packet), None);
    let changed_packet = numbers.apply(&packet);
    assert_eq!(changed.obstacle(&changed_packet), None);
    assert_eq!(sets().obstacle(&changed_packet), Some(Obstacle::Damage), "a set that is not there");
}

/// By hand, after ITU-T H.265, 7.3.6.1 and 9.2: two flags (one, where the unit
/// begins no group), then the number, of which 15 is 000010000.
#[test]
fn the_number_in_a_slice_grows_by_a_byte() {
    let other = &mut sets();
    other.pps.get_mut(&0).unwrap()[5] = 0x0b;
    let (_, numbers) = other.renumbered(&sets()).unwrap();
    let cases: [(&[u8], &[u8]); 5] = [
        (&[0x28, 0x01, 0xac, 0x20, 0x85], &[0x28, 0x01, 0x82, 0x0c, 0x20, 0x85]),
        (&[0x02, 0x01, 0xd0, 0x21, 0x49], &[0x02, 0x01, 0x84, 0x10, 0x21, 0x49]),
        // A zero that comes in needs prevention, or moves it.
        (&[0x28, 0x01, 0xa0, 0x00, 0x01, 0x80], &[0x28, 0x01, 0x82, 0x00, 0x00, 0x03, 0x01, 0x80]),
        (&[0x28, 0x01, 0xa0, 0, 0, 3, 1, 0x80], &[0x28, 0x01, 0x82, 0, 0, 3, 0, 1, 0x80]),
        // What lies behind stays.
        (&[0x28, 0x01, 0xac, 5, 0, 0, 3, 1, 0x80], &[0x28, 0x01, 0x82, 0x0c, 5, 0, 0, 3, 1, 0x80]),
    ];
    for (before, after) in cases {
        assert_eq!(numbers.apply(&packet(&[before])), packet(&[after]), "{before:x?}");
    }
    // Sets are left out, and messages that name them; others stay.
    let packets = packet(&[VPS_UNIT, &[0x4e, 0x01, 129, 1, 0x55, 0x80], &[0x4e, 0x01, 5, 1, 0x55, 0x80], NEXT[0]]);
    assert_eq!(units(&numbers.apply(&packets)).map(kind).collect::<Vec<_>>(), [39, 1]);
}

#[test]
fn groups_begin_and_are_led() {
    let of = |kind: u8| packet(&[&[DELIMITER << 1, 1, 0x50], &[kind << 1, 1, 0x80]]);
    let starts: Vec<_> = [0, 1, 9, 16, 18, 19, 20, 21].map(|kind| start(&of(kind))).into();
    let (closed, open, broken) = (Some(Start::Closed), Some(Start::Open), Some(Start::Broken));
    assert_eq!(starts, [None, None, None, broken, broken, closed, closed, open]);
    let leads = [1, 6, 7, 8, 9, 21].map(|kind| leading(&of(kind)));
    let (able, skipped) = (Some(Leading::Decodable), Some(Leading::Skipped));
    assert_eq!(leads, [None, able, able, skipped, skipped, None]);
}

#[test]
fn the_first_of_a_run_leads_nothing_and_the_container_has_the_sets() {
    // A message stays; a unit of type 62, where Dolby Vision has its metadata, goes.
    let (message, dolby): (&[u8], &[u8]) = (&[0x50, 1, 9], &[0x7c, 1, 9]);
    let cra = |kind: u8| packet(&[VPS_UNIT, SPS_UNIT, PPS_UNIT, &[kind << 1, 1, 0xac, 0x20], message, dolby]);
    let without = |kind: u8| packet(&[&[kind << 1, 1, 0xac, 0x20], message]);
    assert_eq!(copied(&cra(CRA), true), Some(without(18)));
    assert_eq!(copied(&cra(CRA), false), Some(without(CRA)));
    assert_eq!(copied(&without(CRA), false), None);
    assert_eq!(copied(&without(20), true), None);
    // A message of the camera's maker goes, others of its unit stay.
    let messages = packet(&[&[0x4e, 1, 5, 1, 0x55, 1, 1, 7, 0x80], NEXT[0]]);
    assert_eq!(copied(&messages, false), Some(packet(&[&[0x4e, 1, 1, 1, 7, 0x80], NEXT[0]])));
    // What enhances a picture, in a layer of its own, is not copied.
    let layered = packet(&[NEXT[0], &[0x02, 0x09, 0xd0]]);
    assert_eq!(copied(&layered, false), Some(packet(&[NEXT[0]])));
}

#[test]
fn heads_of_slices_tell_of_damage() {
    let fine = |units: &[&[u8]]| sets().obstacle(&packet(units));
    assert_eq!((fine(&KEY), fine(&NEXT)), (None, None));
    for wrong in [
        // Without the first, out of order, twice, of two kinds, none.
        &[KEY[1], KEY[2]][..],
        &[KEY[0], KEY[2], KEY[1]],
        &[KEY[0], KEY[1], KEY[1]],
        &[KEY[0], NEXT[1]],
        &[&[0x7c, 1, 9]],
    ] {
        assert_eq!(fine(wrong), Some(Obstacle::Damage), "{wrong:x?}");
    }
    // Bits of the head: forbidden, no layer of time, another set, not intra.
    for (byte, bit) in [(0, 0x80), (1, 0x01), (2, 0x20), (2, 0x04)] {
        let mut damaged = KEY[0].to_vec();
        damaged[byte] ^= bit;
        assert_eq!(fine(&[&damaged]), Some(Obstacle::Damage), "{byte} {bit:x}");
    }
    let mut hole = KEY[0].to_vec();
    hole[5..8].fill(0);
    assert_eq!(fine(&[&hole]), Some(Obstacle::Damage));
    let discards = [&[0x28, 0x01, 0xec], &KEY[0][3..]].concat();
    assert_eq!(fine(&[&discards]), Some(Obstacle::Discards));
    let mut other = PPS_UNIT.to_vec();
    other[5] = 0x0b;
    assert_eq!(fine(&[&other, KEY[0]]), Some(Obstacle::OtherSets));
    assert_eq!(fine(&[PPS_UNIT, KEY[0]]), None);
    assert_eq!(fine(&[NEXT[0], &[END_OF_SEQUENCE << 1, 1]]), Some(Obstacle::EndsSequence));
}

/// Cut anywhere or with any byte changed: never a panic, and whatever is read can
/// be used.
#[test]
fn damage_is_refused_or_read() {
    let (whole, picture) = (hvcc(), packet(&KEY));
    for length in 0..whole.len() {
        let _ = Sets::parse(&whole[..length]);
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[length] = value;
            let Some(read) = Sets::parse(&damaged) else { continue };
            let _ = (read.to_extradata(true), read.obstacle(&picture), sets().with(&read));
            if let Some((_, numbers)) = read.renumbered(&sets()) {
                let _ = numbers.apply(&picture);
            }
        }
    }
    let other = &mut sets();
    other.pps.get_mut(&0).unwrap()[5] = 0x0b;
    let (_, numbers) = other.renumbered(&sets()).unwrap();
    for length in 0..picture.len() {
        let mut damaged = picture.clone();
        damaged[length] ^= 0xff;
        for packet in [&picture[..length], &damaged] {
            let _ = (sets().obstacle(packet), start(packet), leading(packet), copied(packet, true));
            let _ = numbers.apply(packet);
        }
    }
}
