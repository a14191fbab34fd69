//! A card that is pulled while somebody uses it.

use harness::{Check, Need, Outcome, Trial, expect};

use super::host_client::{Answer, Client};
use super::reader::{client, insert, token};
use super::token::Flaw;
use crate::omarchy::document;
use crate::omarchy::settings::omarchy;

pub fn card_pulled() -> Check {
    Check::must(
        "smartcard.card-pulled",
        document("Critical Path for pcscd"),
        "Card pulled in the middle of a session: the client gets \"removed\", not a hang; put back, it \
         works.",
        card_pulled_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant("a reader that goes mute instead", [Flaw::Stuck.edit()])
}

const SELECT_PIV: &str = "00a4040009a0000003080000100000";

async fn card_pulled_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    // The first of the two that the reader of software has.
    let reader = format!("{} 00 00", omarchy.pcscd.reader);
    let token = token(trial).await?;
    let card = insert(trial, &token, &*machine).await?;
    let mut client = client(trial, &machine).await?;
    works(client.connect(&reader).await?, "the client connects to the card")?;
    selects_piv(&mut client).await?;

    let before = client.change(&reader).await?;
    expect(before.is("present"), "the client sees the card in the reader", before)?;

    let _pulled = card.pull().await?;
    let after = client.change(&reader).await?;
    expect(after.is("empty"), "the client is told that the reader is empty", after)?;
    let answer = client.transmit(SELECT_PIV).await?;
    let removed = answer.is_error("SCARD_W_REMOVED_CARD");
    expect(removed, "the client of a card that was pulled gets SCARD_W_REMOVED_CARD", answer)?;

    let _card = insert(trial, &token, &*machine).await?;
    works(client.reconnect().await?, "the client connects again to the card that was put back")?;
    selects_piv(&mut client).await
}

fn works(answer: Answer, what: &str) -> Outcome {
    expect(matches!(answer, Answer::Ok(_)), what, answer)
}

async fn selects_piv(client: &mut Client) -> Outcome {
    let answer = client.transmit(SELECT_PIV).await?;
    let selected = matches!(&answer, Answer::Ok(value) if value["apdu"].as_str().is_some_and(|apdu| apdu.ends_with("9000")));
    expect(selected, "SELECT of the PIV application succeeds (9000)", answer)
}
