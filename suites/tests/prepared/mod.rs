//! The machines of a target, where real ones are wanted.

use std::sync::Arc;

use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::lab::{self, Kind, Lab};
use harness::{Home, Target};

struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

/// A target with nothing but one of its stages, unless no machines are to be started.
pub async fn lab(target: &str, stage: &str) -> Option<Lab> {
    if std::env::var_os("ASSAY_VM_TESTS").is_none() {
        eprintln!("skipped: set ASSAY_VM_TESTS=1 to start machines");
        return None;
    }
    let mut target = Target::find(target, &Home::find().unwrap()).unwrap();
    target.stages.retain(|name, _| name == stage);
    let listener: Arc<dyn Listener> = Arc::new(Silent);
    Some(lab::prepare(&target, &Cache::open().unwrap(), Kind::Virtual(None), &listener).await.unwrap())
}
