//! Credentials in the services of the guest.

use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect};

use super::HOST;
use super::chain::{Order, conventions, deliver};
use super::private::private;
use super::runner::RUNNER;
use super::settings::credentials;
use super::strings::some;
use crate::microvm::{flow, loading};

const DEMO_FILE: &str = "/etc/systemd/system/demo-oem-credentials.service";

pub fn name_mapping() -> Check {
    Check::must(
        "credentials.name-mapping",
        flow("Credential Name Mapping"),
        "The documented name mapping holds end to end; both documented conventions (API_KEY; HOST-API-KEY) \
         are supported, chosen by the target.",
        name_mapping_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Strings])
    .mutant_of(
        HOST,
        "one stage upper-cases differently from the next",
        [Edit::replace(RUNNER, "local name=${1^^}", "local name=${1^}")],
    )
}

async fn name_mapping_holds(trial: &Trial) -> Outcome {
    for convention in conventions(trial).await? {
        let order = Order { convention, ..Order::documented(trial)? };
        let guest = deliver(trial, &order).await?;
        has_all(&*guest, credentials(trial)?.guest.consumer(convention), &order).await?;
    }
    Ok(())
}

/// A service has each credential under the name that it gave it, equal to what was sent.
async fn has_all(guest: &dyn Machine, service: &str, order: &Order) -> Outcome {
    let directory = format!("/run/credentials/{service}");
    let names: Vec<String> = order.credentials.iter().map(|credential| credential.name.clone()).collect();
    let listed = guest.run(&format!("ls -A {directory}")).await?.text();
    let there: Vec<String> = listed.lines().map(str::to_owned).collect();
    let lost: Vec<String> = names.iter().filter(|name| !there.contains(name)).cloned().collect();
    let observed = format!("it does not have {}, and it has {}", some(&lost), some(&there));
    expect(lost.is_empty(), format!("{service} has the credentials {}", some(&names)), observed)?;
    for credential in &order.credentials {
        let file = format!("{directory}/{}", credential.name);
        let content = guest.read(std::path::Path::new(&file)).await?;
        let expected = format!("{file} is the value of {} bytes", credential.value.len());
        expect(content == credential.value, expected, format!("{} other bytes", content.len()))?;
    }
    Ok(())
}

pub fn service_store() -> Check {
    Check::must(
        "credentials.service-store",
        loading("Phase 7"),
        "The consuming service, as its own user, sees its mapped names only, 0400, equal; another service \
         and another user see nothing.",
        service_store_holds,
    )
    .needs([Need::Undo, Need::Strings])
    .mutant_at_boot(
        "mapping to the wrong name",
        [Edit::replace(DEMO_FILE, "api-key:API_KEY", "api-key:DB_PASSWORD")],
    )
    .mutant_at_boot("service without User=", [Edit::replace(DEMO_FILE, "User=demo-svc-user\n", "")])
}

async fn service_store_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let guest = deliver(trial, &order).await?;
    let settings = &credentials(trial)?.guest;
    let (service, user, other) = (settings.consumer(order.convention), &settings.user, &settings.other);
    let directory = format!("/run/credentials/{service}");

    let runs_as =
        guest.run(&format!("stat --format=%U /proc/$(systemctl show -P MainPID {service})")).await?;
    expect(runs_as.text() == *user, format!("{service} runs as {user}"), runs_as)?;
    has_all(&*guest, service, &order).await?;

    let inside = |command: &str| {
        format!(
            "nsenter --target=$(systemctl show -P MainPID {service}) --mount --setuid=$(id -u {user}) -- \
             {command}"
        )
    };
    let asks = guest
        .run(&format!("systemctl cat {service} | sed -n 's/^LoadCredential=\\([^:]*\\).*/\\1/p'"))
        .await?;
    let asks: Vec<String> = asks.text().lines().map(str::to_owned).collect();
    let sees = guest.run(&inside(&format!("ls -A {directory}"))).await?;
    let sees: Vec<String> = sees.text().lines().map(str::to_owned).collect();
    let more: Vec<String> = sees.iter().filter(|name| !asks.contains(name)).cloned().collect();
    let expected = format!("{service} sees only what its LoadCredential= names: {}", some(&asks));
    expect(more.is_empty(), expected, format!("{} too", some(&more)))?;
    for credential in &order.credentials {
        private(&*guest, user, &format!("{directory}/{}", credential.name)).await?;
        let read = guest.run(&inside(&format!("sh -c 'wc -c <{directory}/{}'", credential.name))).await?;
        let length = credential.value.len().to_string();
        let expected = format!("as {user} it reads the {length} bytes of {}", credential.name);
        expect(read.text() == length, expected, read)?;
    }
    let as_other = format!(
        "nsenter --target=$(systemctl show -P MainPID {other}) --mount \
         --setuid=$(stat --format=%u /proc/$(systemctl show -P MainPID {other})) --"
    );
    for (who, prefix) in
        [(&**other, &*as_other), ("another user", "setpriv --reuid=user --regid=user --clear-groups --")]
    {
        let command = format!(
            "{prefix} sh -c 'echo looked; cat {directory}/* /run/credentials/@system/* 2>/dev/null' | wc -c"
        );
        let read = guest.run(&command).await?;
        match read.text().parse::<usize>() {
            Ok(0) | Err(_) => return Err(Stop::Broken(format!("nothing runs as {who}: {read}"))),
            Ok(count) => {
                let more = count - "looked\n".len();
                expect(more == 0, format!("{who} reads nothing of it"), format!("{more} bytes"))?;
            }
        }
    }
    Ok(())
}
