// Where pictures come from: files and folders that are dropped, pasted or chosen.

/**
 * Lists what was dropped, folders with all that is inside.
 *
 * Hidden files of folders, which systems put there, are left out.
 *
 * @param {DataTransfer} transfer Is only readable during its event, so it is read at once.
 * @returns {Promise<{files: {name: string, file: File}[], unread: string[]}>} `unread` names what
 *     the browser could not read.
 */
export async function dropped(transfer) {
  const found = { files: [], unread: [] };
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const roots = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  for (const { entry, file } of roots) {
    if (entry?.isDirectory) await addFolder(entry, found);
    else if (file) found.files.push({ name: file.name, file });
  }
  return found;
}

async function addFolder(folder, found) {
  try {
    for (const entry of await entriesOf(folder)) await addEntry(entry, found);
  } catch {
    found.unread.push(folder.fullPath.slice(1));
  }
}

async function addEntry(entry, found) {
  if (entry.name.startsWith(".")) return;
  if (entry.isDirectory) return addFolder(entry, found);
  const name = entry.fullPath.slice(1);
  try {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.files.push({ name, file });
  } catch {
    found.unread.push(name);
  }
}

/** Lists a folder; a reader gives a hundred entries at a time, and none at the end. */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    all.push(...some);
  }
  return all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/** Lists the files of an input or of the clipboard. */
export const listed = (files) => [...files].map((file) => ({ name: file.name, file }));
