//! The console put together: what it looks at besides the services.

use crate::api::admin::Console;
use crate::server::addresses::Addresses;
use crate::server::assemble::Ground;
use crate::server::checkup::ServerCheckup;
use crate::server::trends::ServerTrends;
use crate::settings::{Loaded, Settings};
use std::sync::Arc;

/// What the console looks at besides the services.
pub fn console(
    settings: &Settings,
    ground: &Ground,
    addresses: &Addresses,
) -> anyhow::Result<Console> {
    let loaded = ground.loaded.as_ref();
    let file = loaded.and_then(Loaded::file).map(std::path::absolute);
    Ok(Console {
        history: Arc::clone(&ground.history),
        settings: loaded.map(Loaded::show).unwrap_or_default(),
        trends: Arc::new(ServerTrends {
            meters: Arc::clone(&ground.meters),
            stores: ground.stores.clone(),
        }),
        node: node_name(addresses),
        started_at: ground.clock.now(),
        folder: std::path::absolute(&settings.data_dir)?,
        config_file: file.transpose()?,
        checkup: Arc::new(ServerCheckup {
            settings: settings.clone(),
            loaded: ground.loaded.clone(),
            stores: ground.stores.clone(),
            clock: Arc::clone(&ground.clock),
        }),
        calibration: Arc::default(),
        copier: ground.stores.copier.clone(),
        copying: Arc::default(),
    })
}

/// The machine's name and the port, by which people tell nodes apart.
fn node_name(addresses: &Addresses) -> String {
    // Where there is no such file, the port has to do.
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let listener = addresses.https.or(addresses.http);
    let port = listener.map(|address| format!(":{}", address.port()));
    format!("{}{}", machine.trim(), port.unwrap_or_default())
}
