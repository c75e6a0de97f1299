//! The PDF file around the page.
use super::{
    Error, Picture,
    canvas::{PAGE_HEIGHT, PAGE_WIDTH, font_name},
    font::Face,
    pictures::resource_name,
};
use chrono::{Datelike, NaiveDate};
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{Date, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};
use std::io::Write;

/// Title in the file's metadata; names no patient.
const TITLE: &str = "Vestibular schwannoma surveillance: research use only, not for diagnosis";

/// A file of one page with this content and these images.
pub(super) fn write(
    content: &[u8],
    images: &[&Picture],
    created: NaiveDate,
) -> Result<Vec<u8>, Error> {
    let [catalog, pages, page_ref, content_ref, info, regular, bold] =
        [1, 2, 3, 4, 5, 6, 7].map(Ref::new);
    let image_refs: Vec<Ref> = (8..).take(images.len()).map(Ref::new).collect();
    let mut pdf = Pdf::new();
    pdf.set_version(1, 7);
    pdf.catalog(catalog).pages(pages).lang(TextStr("en"));
    pdf.pages(pages).kids([page_ref]).count(1);

    let mut page = pdf.page(page_ref);
    page.parent(pages)
        .media_box(Rect::new(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT))
        .contents(content_ref);
    let mut resources = page.resources();
    resources
        .fonts()
        .pair(font_name(Face::Regular), regular)
        .pair(font_name(Face::Bold), bold);
    let mut x_objects = resources.x_objects();
    for (n, image_ref) in image_refs.iter().enumerate() {
        x_objects.pair(Name(&resource_name(n)), *image_ref);
    }
    x_objects.finish();
    resources.finish();
    page.finish();

    pdf.stream(content_ref, &deflate(content)?)
        .filter(Filter::FlateDecode);
    for (id, face) in [(regular, "Helvetica"), (bold, "Helvetica-Bold")] {
        pdf.type1_font(id)
            .base_font(Name(face.as_bytes()))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for (image_ref, picture) in image_refs.iter().zip(images) {
        let data = deflate(&picture.rgb)?;
        let mut image = pdf.image_xobject(*image_ref, &data);
        image.filter(Filter::FlateDecode);
        image
            .width(picture.width as i32)
            .height(picture.height as i32)
            .bits_per_component(8)
            .interpolate(true)
            .color_space()
            .device_rgb();
    }
    pdf.document_info(info)
        .title(TextStr(TITLE))
        .producer(TextStr(concat!("Schwann ", env!("CARGO_PKG_VERSION"))))
        .creation_date(day(created));
    Ok(pdf.finish())
}

fn day(date: NaiveDate) -> Date {
    let year = u16::try_from(date.year()).unwrap_or(0);
    Date::new(year)
        .month(date.month() as u8)
        .day(date.day() as u8)
}

fn deflate(data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data)?;
    Ok(encoder.finish()?)
}
