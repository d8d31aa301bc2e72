// Pictures from the camera, in a dialog; or from the camera of the system, where a page may not use it.

import { byId } from "../dom.js";
import { text } from "../texts.js";

export class Camera {
  #onPicture;
  #dialog = byId("pictures-camera-dialog");
  #video = byId("pictures-video");
  #shutter = byId("pictures-shutter");
  #status = byId("pictures-camera-status");
  #stream;
  #count = 0;

  /** @param {function({name: string, file: File}[]): void} onPicture Is called with each picture. */
  constructor(onPicture) {
    this.#onPicture = onPicture;
    this.#shutter.addEventListener("click", () => this.#shoot());
    this.#video.addEventListener("playing", () => this.#begin());
    this.#dialog.addEventListener("close", () => this.#release());
    byId("pictures-camera-dialog-close").addEventListener("click", () => this.#dialog.close());
  }

  async open() {
    // Browsers hide the camera from pages without a secure connection; phones still offer their own.
    if (!navigator.mediaDevices?.getUserMedia) return byId("pictures-capture").click();
    this.#status.textContent = text("pictures.camera_waiting");
    this.#video.hidden = false;
    this.#dialog.showModal();
    try {
      const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } };
      this.#take(await navigator.mediaDevices.getUserMedia({ video }));
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Shows what the camera sees; a camera that comes after the dialog was closed is let go. */
  #take(stream) {
    this.#stream = stream;
    if (!this.#dialog.open) return this.#release();
    this.#video.srcObject = stream;
  }

  #refuse({ name, message }) {
    const reasons = { NotAllowedError: text("pictures.camera_denied"), NotFoundError: text("pictures.camera_none") };
    this.#status.textContent = reasons[name] ?? text("pictures.camera_failed", { reason: message });
    this.#video.hidden = true;
  }

  #begin() {
    this.#shutter.disabled = false;
    this.#shutter.focus();
    this.#status.textContent = text("pictures.camera_ready");
  }

  async #shoot() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").drawImage(this.#video, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
    this.#count += 1;
    const name = `${text("pictures.camera_file")}-${this.#count}.jpg`;
    this.#onPicture([{ name, file: new File([blob], name, { type: blob.type }) }]);
    this.#status.textContent = text("pictures.camera_taken", { name });
  }

  #release() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#shutter.disabled = true;
  }
}
