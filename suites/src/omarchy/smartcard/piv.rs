//! The card's PIV application, asked from inside the guest.

use harness::{Machine, Outcome, Stop, expect, violated};

use crate::omarchy::settings::Omarchy;

/// That the user, without a seat or a session, opens the card and selects its PIV application.
pub async fn select_piv(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    let answer = sent(machine, omarchy, &[SELECT_PIV]).await?;
    expect(answer[0] == 0x9000, "SELECT of the PIV application succeeds (9000)", format!("{:04x}", answer[0]))
}

/// How often the PIN may still be wrong. A card that has just seen the right one would say no more than that.
pub async fn tries(machine: &dyn Machine, omarchy: &Omarchy) -> Result<u16, Stop> {
    let reset = machine.run("opensc-tool --reset").await?;
    expect(reset.success(), "a client of root's resets the card", reset)?;
    let answer = sent(machine, omarchy, &[SELECT_PIV, VERIFY_NOTHING]).await?;
    match answer[1] {
        status @ 0x63C0..=0x63CF => Ok(status & 0xf),
        status => violated("the card tells how many tries are left (63Cx)", format!("{status:04x}")),
    }
}

const SELECT_PIV: &str = "00:A4:04:00:09:A0:00:00:03:08:00:00:10:00";

/// VERIFY without a PIN asks for the tries that are left: NIST SP 800-73-4, part 2, section 3.2.1.
const VERIFY_NOTHING: &str = "00:20:00:80";

/// Sends commands to the card, as the user, and gives the status of each answer.
async fn sent(machine: &dyn Machine, omarchy: &Omarchy, commands: &[&str]) -> Result<Vec<u16>, Stop> {
    let sends: Vec<String> = commands.iter().map(|command| format!("--send-apdu {command}")).collect();
    let output = machine.run(&omarchy.as_user(&format!("opensc-tool {}", sends.join(" ")))).await?;
    let statuses: Vec<u16> = output.text().lines().filter_map(status).collect();
    let expected = "a client of the user's, who has no seat, opens the card, which answers";
    expect(output.success() && statuses.len() == commands.len(), expected, output)?;
    Ok(statuses)
}

/// Of a line such as "Received (SW1=0x90, SW2=0x00):".
fn status(line: &str) -> Option<u16> {
    let (sw1, rest) = line.strip_prefix("Received (SW1=0x")?.split_at_checked(2)?;
    let sw2 = rest.strip_prefix(", SW2=0x")?.get(..2)?;
    u16::from_str_radix(&format!("{sw1}{sw2}"), 16).ok()
}
