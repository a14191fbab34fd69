//! Machines over SSH, on a server of OpenSSH's that is this host itself and listens nowhere.

mod failing;
mod machine;
mod server;
