//! Which server has a key: slots, and who says that they own them.

use crate::settings::Endpoint;

/// As many slots as every Cluster has.
pub const SLOTS: u16 = 16_384;

/// The slot of a key: of what stands in its first braces, or of all of it.
pub fn slot_of(key: &str) -> u16 {
    let key = key.as_bytes();
    let tag = key
        .iter()
        .position(|&byte| byte == b'{')
        .map(|open| &key[open + 1..])
        .and_then(|rest| {
            let close = rest.iter().position(|&byte| byte == b'}')?;
            (close > 0).then(|| &rest[..close])
        });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, the one of the Cluster specification.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

/// One line of `CLUSTER NODES`: a server and what it is said to own.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    /// The server.
    pub endpoint: Endpoint,
    /// Of two owners of a slot the one with the higher epoch has it.
    pub epoch: u64,
    /// First and last slot of each stretch.
    pub slots: Vec<(u16, u16)>,
}

/// Reads `CLUSTER NODES` as the server at `asked` told it; what cannot be read is left out.
///
/// Names of servers are used in place of their addresses where certificates have to be right.
pub fn read_nodes(text: &str, asked: &Endpoint, by_name: bool) -> Vec<Claim> {
    let lines = text.lines();
    lines
        .filter_map(|line| read_node(line, asked, by_name))
        .collect()
}

fn read_node(line: &str, asked: &Endpoint, by_name: bool) -> Option<Claim> {
    // id, address, flags, master, ping sent, pong received, epoch, link state, slots…
    let mut words = line.split_ascii_whitespace().skip(1);
    let address = words.next()?;
    let flags = words.next()?;
    if flags.contains("noaddr") || flags.contains("handshake") {
        return None;
    }
    let epoch = words.nth(3)?.parse().ok()?;
    let slots = words.skip(1).filter_map(read_stretch).collect();
    let (address, names) = address.split_once(',').unwrap_or((address, ""));
    let (address, _) = address.split_once('@').unwrap_or((address, ""));
    let mut endpoint = Endpoint::parse(address)?;
    let name = names.split(',').next().unwrap_or_default();
    if by_name && !name.is_empty() && !name.contains('=') {
        name.clone_into(&mut endpoint.host);
    }
    if endpoint.host.is_empty() {
        // It has not been told its own address yet; we know it.
        endpoint.host.clone_from(&asked.host);
    }
    Some(Claim {
        endpoint,
        epoch,
        slots,
    })
}

fn read_stretch(word: &str) -> Option<(u16, u16)> {
    // A slot on the move stands in brackets; it is its owner's until it has arrived.
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < SLOTS).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_slots_that_redis_says() {
        // From `CLUSTER KEYSLOT`.
        for (key, slot) in [
            ("123456789", 12_739),
            ("foo", 12_182),
            ("a{foo}b{bar}", 12_182),
            ("{}foo", 9_500),
            ("", 0),
        ] {
            assert_eq!(slot_of(key), slot, "{key}");
        }
    }

    #[test]
    fn nodes_are_read_with_their_addresses_epochs_and_slots() {
        let asked = Endpoint::parse("10.0.0.9:7000").unwrap();
        let text = "\
            a1 :7000@17000 myself,master - 0 0 5 connected 0-99 200 [300->-b2]\n\
            b2 10.0.0.2:7001@17001,two.example.com,shard-id=x slave a1 0 1 5 connected\n\
            c3 ::1:7002@17002,,shard-id=x master,fail - 0 1 3 disconnected 400-16383\n\
            d4 :0@0 master,noaddr - 0 1 3 disconnected\n\
            damaged\n";
        let found = read_nodes(text, &asked, true);
        let shown: Vec<_> = found
            .iter()
            .map(|claim| (claim.endpoint.to_string(), claim.epoch))
            .collect();
        assert_eq!(
            shown,
            [
                ("10.0.0.9:7000".to_owned(), 5),
                ("two.example.com:7001".to_owned(), 5),
                ("[::1]:7002".to_owned(), 3)
            ]
        );
        assert_eq!(found[0].slots, [(0, 99), (200, 200)]);
        assert_eq!(found[2].slots, [(400, 16_383)]);
        let by_address = read_nodes(text, &asked, false);
        assert_eq!(by_address[1].endpoint.to_string(), "10.0.0.2:7001");
    }
}
