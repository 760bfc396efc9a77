// Reads a CSV file of users as the command line does: RFC 4180, a header, every bad row named by its line.

import { t } from './words.js';

const COLUMNS = ['name', 'display_name', 'email', 'password', 'orgs', 'groups'];

/** Records as `{line, fields}`; throws when a quotation mark is never closed. */
const records = (text) => {
  const found = [];
  let fields = [];
  let field = '';
  let isQuoted = false;
  let line = 1;
  let began = 1;
  const endField = () => {
    fields.push(field);
    field = '';
  };
  const endRecord = () => {
    endField();
    if (fields.length > 1 || fields[0] !== '') found.push({ line: began, fields });
    fields = [];
  };
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (c === '\n') line += 1;
    if (isQuoted) {
      if (c !== '"') field += c;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (c === '"' && field === '') isQuoted = true;
    else if (c === ',') endField();
    else if (c === '\n' || c === '\r') {
      if (c === '\r' && text[at + 1] === '\n') {
        at += 1;
        line += 1;
      }
      endRecord();
      began = line;
    } else field += c;
  }
  if (isQuoted) throw new Error(t.csvQuote);
  endRecord();
  return found;
};

const items = (text) => text.split(';').map((item) => item.trim()).filter(Boolean);

/** The rows of a file: `users` to be sent, `skipped` that could not be read, as `{line, reason}`. */
export const readUsers = (text) => {
  const [header, ...rest] = records(text.replace(/^\uFEFF/, ''));
  const titles = (header?.fields ?? []).map((title) => title.trim());
  if (!titles.includes('name')) throw new Error(t.csvNoName);
  titles.forEach((title, index) => {
    if (!COLUMNS.includes(title)) throw new Error(t.csvColumn(title));
    if (titles.indexOf(title) !== index) throw new Error(t.csvTwice(title));
  });
  const users = [];
  const skipped = [];
  for (const { line, fields } of rest) {
    if (fields.length !== titles.length) {
      skipped.push({ line, reason: t.csvWidth(fields.length, titles.length) });
      continue;
    }
    const row = Object.fromEntries(titles.map((title, index) => [title, fields[index]]));
    users.push({ ...row, line, orgs: items(row.orgs ?? ''), groups: items(row.groups ?? '') });
  }
  if (!users.length && !skipped.length) throw new Error(t.csvEmpty);
  return { users, skipped };
};
