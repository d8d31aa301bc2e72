// Makes small pictures, one after the other.

// A card is half as wide; screens of phones have two or three pixels for each.
const LONGEST_SIDE = 320;
const SMALL_SIDE = 64;

let last = Promise.resolve();

onmessage = ({ data }) => {
  last = last.then(() => reply(data));
};

async function reply({ id, file }) {
  try {
    postMessage({ id, ...(await thumbnail(file)) });
  } catch {
    postMessage({ id }); // The browser cannot show this file.
  }
}

async function thumbnail(file) {
  const bitmap = await createImageBitmap(file);
  const longest = Math.max(bitmap.width, bitmap.height);
  const scale = Math.min(1, LONGEST_SIDE / longest);
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return { blob: await canvas.convertToBlob({ type: "image/webp", quality: 0.85 }), isSmall: longest <= SMALL_SIDE };
}
