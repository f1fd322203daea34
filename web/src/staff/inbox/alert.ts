/** Tells staff of new requests by a sound and by a notification of the browser, where they chose it. */

export type AlertKind = "sound" | "notification";

const NAME = "slotcast.staff.alert.";
const TONE_S = 0.35;

export function isAlertOn(kind: AlertKind): boolean {
  try {
    const isChosen = localStorage.getItem(NAME + kind) === "on";
    return isChosen && (kind === "sound" || Notification.permission === "granted");
  } catch {
    return false;
  }
}

/** Turns an alert on or off. Resolves with false where the browser forbids it. */
export async function setAlert(kind: AlertKind, isOn: boolean): Promise<boolean> {
  try {
    if (isOn && kind === "notification") {
      if ((await Notification.requestPermission()) !== "granted") return false;
    }
    localStorage.setItem(NAME + kind, isOn ? "on" : "off");
    if (isOn && kind === "sound") attempt(playTone);
    return true;
  } catch {
    return false;
  }
}

export function tell(title: string, text: string): void {
  if (isAlertOn("sound")) attempt(playTone);
  if (isAlertOn("notification"))
    attempt(() => void new Notification(title, { body: text, tag: "slotcast.request" }));
}

/** A browser may forbid either; the request is on the page all the same. */
function attempt(alert: () => void): void {
  try {
    alert();
  } catch {
    // Nothing is lost: the page counts the request.
  }
}

function playTone(): void {
  const audio = new AudioContext();
  const [tone, volume] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.12, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + TONE_S);
  tone.connect(volume).connect(audio.destination);
  tone.onended = () => void audio.close();
  tone.start();
  tone.stop(audio.currentTime + TONE_S);
}
