//! Machines over SSH, on a server of OpenSSH's that is this host itself and listens nowhere.

mod allowed;
mod failing;
mod machine;
mod omarchy;
mod program;
mod server;
