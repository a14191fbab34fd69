//! The program: reads its arguments, does one thing, and ends with a status that says how it went.

mod agenda;
mod arguments;
mod failure;
mod gate;
mod image;
mod init;
mod list;
mod matrix;
mod merge;
mod minutes;
mod pages;
mod part;
mod print;
mod report;
mod reports;
mod run;
mod select;
mod session;
mod shell;

use std::process::ExitCode;

use ::image::cache::Cache;
use clap::{CommandFactory, Parser};

use crate::check::Suite;
use crate::panic;
use arguments::{Arguments, Command};
use failure::Failure;
use print::print;

/// Runs the program over these suites.
pub fn main(catalogue: &'static [Suite]) -> ExitCode {
    panic::hide_secrets();
    // Wrong usage ends here, with status 2.
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::broken("start", error).tell(),
    };
    let done = runtime.block_on(carry_out(arguments.command, catalogue));
    // Threads that wait for a terminal must not keep a finished program alive.
    runtime.shutdown_background();
    match done {
        Ok(status) => ExitCode::from(status),
        Err(failure) => failure.tell(),
    }
}

/// The program's arguments, for those who want to know whether a command line is one.
pub fn command() -> clap::Command {
    Arguments::command()
}

async fn carry_out(command: Command, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    match command {
        Command::Run(options) => run::run(options, catalogue).await,
        Command::Prove(options) => run::prove(options, catalogue).await,
        Command::Init(options) => init::init(&options),
        Command::List(options) => list::list(&options, catalogue),
        Command::Image(action) => image::image(action).await,
        Command::Shell(options) => shell::shell(options, catalogue).await,
        Command::Gate(options) => gate::gate(&options),
        Command::Matrix(options) => matrix::matrix(&options, catalogue),
        Command::Merge(options) => merge::merge(options),
        Command::Report(options) => report::report(&options),
        Command::Doctor => doctor(),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { directory } => pages::man(&directory),
    }
}

/// Tells what is missing on this host.
fn doctor() -> Result<u8, Failure> {
    let cache = Cache::open()?;
    let findings = host::examine(cache.root());
    print(&host::render(&findings))?;
    Ok(host::exit_status(&findings))
}
