//! What is known of a Cluster at one moment: its servers, each with a line, and the owner of every slot.

use crate::settings::Endpoint;
use crate::stores::redis::cluster::slots::{Claim, SLOTS, slot_of};
use crate::stores::redis::line::{Line, Trouble};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Nobody owns the slot.
const NOBODY: u16 = u16::MAX;

/// A moment's knowledge.
pub struct View {
    /// Grows with every look.
    pub number: u64,
    /// Every server, replicas too: the next master is among them.
    pub servers: Vec<(Endpoint, Arc<Line>)>,
    owners: Vec<u16>,
}

impl View {
    /// Nothing known yet.
    pub fn empty() -> Self {
        Self {
            number: 0,
            servers: Vec::new(),
            owners: vec![NOBODY; usize::from(SLOTS)],
        }
    }

    /// The next view, from what all that answered say; lines are kept, and begun for servers that are new.
    pub fn next(
        &self,
        mut claims: Vec<Claim>,
        mut start: impl FnMut(&Endpoint) -> Result<Line, Trouble>,
    ) -> Result<Self, Trouble> {
        let mut known: BTreeMap<&Endpoint, &Arc<Line>> = BTreeMap::new();
        known.extend(self.servers.iter().map(|(endpoint, line)| (endpoint, line)));
        // In ascending order, so that of two owners the one with the higher epoch stays.
        claims.sort_by_key(|claim| claim.epoch);
        let mut servers: Vec<(Endpoint, Arc<Line>)> = Vec::new();
        let mut owners = vec![NOBODY; usize::from(SLOTS)];
        for claim in claims {
            let at = servers
                .iter()
                .position(|(known, _)| *known == claim.endpoint);
            let at = if let Some(at) = at {
                at
            } else {
                let line = match known.get(&claim.endpoint) {
                    Some(line) => Arc::clone(line),
                    None => Arc::new(start(&claim.endpoint)?),
                };
                servers.push((claim.endpoint, line));
                servers.len() - 1
            };
            for (first, last) in claim.slots {
                let stretch = usize::from(first)..=usize::from(last);
                owners[stretch].fill(u16::try_from(at).unwrap_or(NOBODY));
            }
        }
        Ok(Self {
            number: self.number + 1,
            servers,
            owners,
        })
    }

    /// The server that has the key.
    pub fn owner(&self, key: &str) -> Option<&Arc<Line>> {
        let at = *self.owners.get(usize::from(slot_of(key)))?;
        self.servers.get(usize::from(at)).map(|(_, line)| line)
    }

    /// The server of that address.
    pub fn server(&self, endpoint: &Endpoint) -> Option<&Arc<Line>> {
        let mut servers = self.servers.iter();
        servers
            .find(|(known, _)| known == endpoint)
            .map(|(_, line)| line)
    }

    /// The servers that own slots, ordered by address.
    pub fn masters(&self) -> Vec<Arc<Line>> {
        let mut owns = vec![false; self.servers.len()];
        for &owner in &self.owners {
            if let Some(owns) = owns.get_mut(usize::from(owner)) {
                *owns = true;
            }
        }
        let mut masters: Vec<_> = self
            .servers
            .iter()
            .zip(owns)
            .filter_map(|(server, owns)| owns.then_some(server))
            .collect();
        masters.sort_by_key(|(endpoint, _)| endpoint);
        masters
            .into_iter()
            .map(|(_, line)| Arc::clone(line))
            .collect()
    }

    /// Whether every slot has an owner and every owner a connection.
    pub fn is_whole(&self) -> bool {
        !self.owners.contains(&NOBODY) && self.masters().iter().all(|line| line.is_up())
    }
}
