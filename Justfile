# Unquoted words of a recipe's arguments stay whole.
set positional-arguments
set ignore-comments

# In a debug build: a run waits for its machines, not for itself, and this way it shares what the tests build.
assay := "cargo run --package suites --"
reports := "target/assay"
# A workspace of its own: it is compiled for guests.
layer := "fixtures/library-layer/Cargo.toml"

# The list of recipes, for `just` alone
_default:
    @just --list --unsorted

# The main job: every invariant of the Omarchy document on a real virtual machine
test-omarchy *ARGS:
    @{{ just_executable() }} _run omarchy "$@"

# Credentials from a host secret to a guest service, on both architectures
test-microvm *ARGS:
    @{{ just_executable() }} _run microvm "$@"

# Rebuilds of the appliance that are tested before they are persisted, and the watchdog over them
test-appliance *ARGS:
    @{{ just_executable() }} _run appliance "$@"

_run TARGET *ARGS: _reports
    #!/bin/sh
    set -eu
    report={{ reports }}/$1
    # What took longest the last time begins first.
    [ ! -e "$report.json" ] || set -- "$@" --durations "$report.json"
    exec {{ assay }} run "$@" --junit "$report.xml" --json "$report.json"

# What of that needs no kernel, power or time of its own, in seconds on containers: needs a Docker engine
test-container *ARGS: _reports
    {{ assay }} run appliance --machine container --junit {{ reports }}/appliance-container.xml "$@"

# The same suites under KVM, in a host that is emulated and so needs none: takes an hour; names of targets say which
test-kvm *TARGETS:
    ASSAY_KVM_TESTS=1 cargo test --package suites --test kvm -- --test-threads 1 --nocapture "$@"

# Show that every mutant of the Omarchy suites turns its check red
prove-omarchy *ARGS: _reports
    {{ assay }} prove omarchy --json {{ reports }}/prove-omarchy.json "$@"

# The same for the microVMs
prove-microvm *ARGS: _reports
    {{ assay }} prove microvm --json {{ reports }}/prove-microvm.json "$@"

# The same for the appliance
prove-appliance *ARGS: _reports
    {{ assay }} prove appliance --json {{ reports }}/prove-appliance.json "$@"

# A page to look at, target/assay/report.html, of the last run and proof of every target
report *ARGS: _reports
    #!/bin/sh
    set -eu
    set -- "$@" --html {{ reports }}/report.html
    found=false
    # What is measured there too is no report.
    for file in {{ reports }}/*.json; do
        case ${file##*/} in bench*.json | gate*.json | '*.json') continue ;; esac
        set -- "$file" "$@"
        found=true
    done
    $found || { echo "there are no runs in {{ reports }} yet: begin with \`just test-omarchy\`" >&2 && exit 2; }
    {{ assay }} report "$@"
    echo "{{ reports }}/report.html"

# Everything that must hold before a change lands; ends with the summary of the tests
test: format-check lint test-card _test-containers test-vm (test-abuse "ending::" "wrong::" "forks" "secrets::" "own::" "closure::" "disk::what" "readme::" "ten_minutes") test-report test-unit

# The unit and snapshot tests, on machines that are not real
test-unit:
    #!/bin/sh
    set -eu
    # A changed snapshot fails the test and leaves no file behind; `cargo insta test` is there to accept it.
    export INSTA_UPDATE=no
    if cargo nextest --version >/dev/null 2>&1; then
        exec cargo nextest run --workspace
    fi
    exec cargo test --workspace

# On containers where an engine runs; where none does, every check is skipped and says what starts one
_test-containers: _reports
    #!/bin/sh
    set -eu
    if {{ assay }} run appliance --machine container --junit {{ reports }}/appliance-container.xml; then
        ASSAY_CONTAINER_TESTS=1 exec cargo test --package suites --test container
    else
        # 4: nothing ran.
        [ $? -eq 4 ]
    fi

# Two checks on real virtual machines: image, boot, provision, freeze, fork, a token in the reader, verdict
test-vm: _reports
    {{ assay }} run omarchy --only binfmt.registered --only smartcard.sign-and-verify --junit {{ reports }}/test-vm.xml

# The token, and the client of smart card daemons, which are no part of the workspace
test-card:
    #!/bin/sh
    set -eu
    # In the place where a run builds them.
    built=${ASSAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay}/built
    for program in token pcsc-client; do
        cargo test --release --locked --manifest-path "fixtures/$program/Cargo.toml" --target-dir "$built/$program"
    done

# Abuse the program and real machines: kill, crash, flood, damage, fill the disk
test-abuse *FILTERS:
    cargo build --package suites --bins --examples
    # One at a time: they look for what a run leaves behind, and many machines at once keep each other waiting.
    ASSAY_VM_TESTS=1 cargo test --package suites --test machines --test fork --test time_lapse --test faults -- --test-threads 1 "$@"

# Overlays from public reports and real implementations, decided as each of them has to be, on real machines
test-cases *FILTERS:
    cargo build --package suites --bins
    ASSAY_CASE_TESTS=1 cargo test --package suites --test cases -- --test-threads 1 "$@"

# Look at reports in a headless browser: needs Debian's packages chromium and chromium-driver
test-report *FILTERS:
    ASSAY_BROWSER_TESTS=1 cargo test --package harness --test browser -- "$@"

# Write the page of all invariants anew, from the checks
catalogue:
    ASSAY_WRITE_CATALOGUE=1 cargo test --package suites --test catalogue

# Format the code
fmt:
    cargo fmt --all
    cargo fmt --manifest-path fixtures/token/Cargo.toml
    cargo fmt --manifest-path fixtures/pcsc-client/Cargo.toml
    cargo fmt --all --manifest-path {{ layer }}

# Check the format without changing a file
format-check:
    cargo fmt --all --check
    cargo fmt --check --manifest-path fixtures/token/Cargo.toml
    cargo fmt --check --manifest-path fixtures/pcsc-client/Cargo.toml
    cargo fmt --all --check --manifest-path {{ layer }}

# Lint all targets; a warning is an error
lint:
    cargo clippy --workspace --all-targets -- --deny warnings
    cargo clippy --all-targets --locked --manifest-path fixtures/token/Cargo.toml -- --deny warnings
    cargo clippy --all-targets --locked --manifest-path fixtures/pcsc-client/Cargo.toml -- --deny warnings
    cargo clippy --workspace --all-targets --locked --manifest-path {{ layer }} -- --deny warnings

# Measure forking against booting and other programs, into target/assay/bench.json; `--comparison` only the others
bench *ARGS: _reports
    # An optimised build, because here the time of assay itself is part of what is measured.
    cargo run --release --package suites --example bench -- --json {{ reports }}/bench.json "$@"

# Feed a reader of untrusted files, `junit` or `flake_lock`, with whatever a fuzzer finds
fuzz TARGET *ARGS:
    # Needs a nightly compiler and `cargo install cargo-fuzz`. Without `-- -max_total_time=60` it never ends.
    cargo +nightly fuzz run "$@"

# The program itself, with any arguments
assay *ARGS:
    {{ assay }} "$@"

# What is missing on this machine, and the command that installs it
doctor:
    {{ assay }} doctor

# An interactive shell in a fresh fork of a target
shell TARGET *ARGS:
    {{ assay }} shell "$@"

_reports:
    @mkdir -p {{ reports }}
