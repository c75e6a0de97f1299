//! How well the reader does: numbers, the confusion grid, and whether confidence is borne out.
use super::answer::time_words;
use crate::{
    app::{
        panel::{Wish, capitalised, caution, row, rows},
        state::AppState,
    },
    measure::{ConfidenceCalibration, ConfusionMatrix, KoosGrade, WeightedKappa},
    school::Progress,
};
use egui::{
    Align2, Color32, FontId, Pos2, Rect, RichText, Role, Sense, Stroke, Ui, Vec2, WidgetInfo,
};

/// Edge of a cell of the confusion grid, points.
const CELL: f32 = 44.0;
/// Edge of the reliability diagram, points.
const DIAGRAM: f32 = 190.0;
/// Room for the words beside both, points.
const MARGIN: f32 = 46.0;

/// Everything that is known of the reader.
pub(super) fn progress_ui(ui: &mut Ui, state: &AppState, wishes: &mut Vec<Wish>) {
    let (Some(record), Some(progress)) = (&state.school.record, &state.school.progress) else {
        let text = if state.preferences.reader.trim().is_empty() {
            "Write your name to see your progress"
        } else {
            "Opening your record…"
        };
        ui.label(RichText::new(text).weak());
        return;
    };
    if progress.answers == 0 {
        ui.label(RichText::new("No case was answered yet").weak());
    } else {
        numbers_ui(ui, progress);
        ui.add_space(8.0);
        ui.label(RichText::new("Truth and answer").strong());
        grid_ui(ui, &progress.confusion, "truth");
        if let Some(calibration) = &progress.calibration {
            ui.add_space(8.0);
            calibration_ui(ui, calibration);
        }
        difficulties_ui(ui, progress);
    }
    boxes_ui(ui, progress);
    reads_ui(ui, progress);
    ui.add_space(8.0);
    let export = ui.add_enabled(
        !record.answers.is_empty(),
        egui::Button::new("Export as CSV…"),
    );
    let hint = if state.school.records.is_some() {
        format!(
            "All answers as a table; the record itself is {}",
            record.path.display()
        )
    } else {
        "All answers as a table; this system has no folder for the program's data, so they are kept until the window is closed".to_owned()
    };
    if export.on_hover_text(hint).clicked() {
        wishes.push(Wish::ExportAnswers);
    }
}

fn numbers_ui(ui: &mut Ui, progress: &Progress) {
    let percent = |p: f64| format!("{:.0} %", 100.0 * p);
    rows(ui, "progress", |ui| {
        row(ui, "Cases answered", progress.answers.to_string());
        if let (Some(right), Some([low, high])) = (progress.accuracy, progress.accuracy_ci95) {
            let text = format!(
                "{} (95 %: {} to {})",
                percent(right),
                percent(low),
                percent(high)
            );
            row(ui, "Right", text);
        }
        row(ui, "Weighted kappa", kappa_words(progress.weighted_kappa));
        if let Some(error) = progress.mean_absolute_error {
            row(ui, "Mean error", format!("{error:.2} grades"));
        }
        if let Some(error) = progress.macro_averaged_mean_absolute_error {
            row(ui, "  averaged over grades", format!("{error:.2} grades"));
        }
        if let Some(seconds) = progress.median_seconds {
            row(
                ui,
                "Time for a case",
                format!("{} (median)", time_words(seconds)),
            );
        }
    });
}

fn kappa_words(kappa: Option<WeightedKappa>) -> String {
    kappa.map_or_else(
        || "not defined yet".to_owned(),
        |k| {
            format!(
                "{:.2} (95 %: {:.2} to {:.2})",
                k.value, k.ci95[0], k.ci95[1]
            )
        },
    )
}

/// A row for each truth, a column for each answer; the darker the more of the row's answers.
fn grid_ui(ui: &mut Ui, confusion: &ConfusionMatrix, rows: &str) {
    let size = Vec2::new(MARGIN + 4.0 * CELL, 20.0 + 4.0 * CELL);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, grid_words(confusion)));
    let painter = ui.painter_at(rect.expand(1.0));
    let text = ui.visuals().text_color();
    let font = FontId::proportional(13.0);
    let corner = rect.min + Vec2::new(MARGIN, 20.0);
    painter.text(
        rect.min,
        Align2::LEFT_TOP,
        rows,
        FontId::proportional(11.0),
        text,
    );
    for (i, truth) in KoosGrade::ALL.into_iter().enumerate() {
        let row = &confusion.0[i];
        let total = row.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
        let middle = (i as f32 + 0.5) * CELL;
        painter.text(
            corner + Vec2::new(-8.0, middle),
            Align2::RIGHT_CENTER,
            truth,
            font.clone(),
            text,
        );
        painter.text(
            corner + Vec2::new(middle, -3.0),
            Align2::CENTER_BOTTOM,
            truth,
            font.clone(),
            text,
        );
        for (j, count) in row.iter().enumerate() {
            let at = corner + Vec2::new(j as f32, i as f32) * CELL;
            let cell = Rect::from_min_size(at, Vec2::splat(CELL)).shrink(1.0);
            let part = f64::from(*count) / total;
            let [r, g, b] = if i == j {
                [70, 170, 90]
            } else {
                [215, 110, 60]
            };
            let fill = Color32::from_rgba_unmultiplied(r, g, b, (24.0 + 200.0 * part) as u8);
            let faint = ui.visuals().faint_bg_color;
            painter.rect_filled(cell, 3.0, if *count > 0 { fill } else { faint });
            if *count > 0 {
                painter.text(
                    cell.center(),
                    Align2::CENTER_CENTER,
                    count,
                    FontId::proportional(15.0),
                    text,
                );
            }
        }
    }
    response.on_hover_text(format!("Rows: the {rows}; columns: what you said"));
}

/// The grid for a screen reader.
fn grid_words(confusion: &ConfusionMatrix) -> String {
    let of = |truth: KoosGrade| {
        let row = confusion.0[truth as usize];
        let answers = KoosGrade::ALL.into_iter().zip(row).filter(|(_, n)| *n > 0);
        let answers: Vec<String> = answers.map(|(g, n)| format!("{g} {n} times")).collect();
        (!answers.is_empty()).then(|| format!("truth {truth} answered {}", answers.join(", ")))
    };
    let rows: Vec<String> = KoosGrade::ALL.into_iter().filter_map(of).collect();
    format!("Confusion grid: {}", rows.join("; "))
}

fn calibration_ui(ui: &mut Ui, calibration: &ConfidenceCalibration) {
    ui.label(RichText::new("Said and right").strong());
    diagram_ui(ui, calibration);
    rows(ui, "calibration", |ui| {
        let over = 100.0 * calibration.overconfidence;
        let word = match over {
            5.0.. => "too sure by",
            ..=-5.0 => "not sure enough by",
            _ => "about right, off by",
        };
        row(ui, "Confidence", format!("{word} {:.0} %", over.abs()));
        row(
            ui,
            "Brier score",
            format!("{:.3} (0 is perfect)", calibration.brier),
        );
    });
}

/// Confidence that was said across, part that was right upwards, with its 95 % interval; on the diagonal it is borne out.
fn diagram_ui(ui: &mut Ui, calibration: &ConfidenceCalibration) {
    let size = Vec2::new(MARGIN + DIAGRAM, DIAGRAM + 34.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| {
        let each = calibration.bins.iter().map(|b| {
            format!(
                "said {:.0} %, right {:.0} % of {}",
                100.0 * b.said,
                100.0 * b.right,
                b.count
            )
        });
        let words: Vec<String> = each.collect();
        WidgetInfo::labeled(
            Role::Image,
            true,
            format!("Reliability: {}", words.join("; ")),
        )
    });
    let painter = ui.painter_at(rect);
    let (text, weak) = (ui.visuals().text_color(), ui.visuals().weak_text_color());
    let field = Rect::from_min_size(
        rect.min + Vec2::new(MARGIN, 6.0),
        Vec2::splat(DIAGRAM - 8.0),
    );
    let at = |x: f64, y: f64| {
        Pos2::new(
            field.left() + field.width() * x as f32,
            field.bottom() - field.height() * y as f32,
        )
    };
    painter.rect_filled(field, 0.0, ui.visuals().extreme_bg_color);
    painter.rect_stroke(field, 0.0, Stroke::new(1.0, weak), egui::StrokeKind::Inside);
    let dashes = egui::Shape::dashed_line(
        &[at(0.0, 0.0), at(1.0, 1.0)],
        Stroke::new(1.0, weak),
        4.0,
        4.0,
    );
    painter.extend(dashes);
    let small = FontId::proportional(11.0);
    for (value, word) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
        let [x, y] = match word {
            "0 %" => [Align2::LEFT_TOP, Align2::RIGHT_BOTTOM],
            "100 %" => [Align2::RIGHT_TOP, Align2::RIGHT_TOP],
            _ => [Align2::CENTER_TOP, Align2::RIGHT_CENTER],
        };
        painter.text(
            at(value, 0.0) + Vec2::new(0.0, 3.0),
            x,
            word,
            small.clone(),
            text,
        );
        painter.text(
            at(0.0, value) - Vec2::new(5.0, 0.0),
            y,
            word,
            small.clone(),
            text,
        );
    }
    let below = Pos2::new(field.center().x, field.bottom() + 16.0);
    painter.text(
        below,
        Align2::CENTER_TOP,
        "confidence that you said",
        small.clone(),
        weak,
    );
    painter.text(
        field.left_top() + Vec2::new(6.0, 4.0),
        Align2::LEFT_TOP,
        "part that was right",
        small,
        weak,
    );
    let colour = super::super::timeline::line(ui);
    let most = calibration.bins.iter().map(|b| b.count).max().unwrap_or(1) as f32;
    for bin in &calibration.bins {
        let [low, high] = bin.right_ci95;
        let whisker = Stroke::new(1.5, colour.gamma_multiply(0.6));
        painter.line_segment([at(bin.said, low), at(bin.said, high)], whisker);
        let radius = 2.5 + 4.0 * (bin.count as f32 / most).sqrt();
        painter.circle_filled(at(bin.said, bin.right), radius, colour);
    }
    response.on_hover_text("Points on the dashed line are as often right as you said; larger points are more answers; whiskers: 95 % interval");
}

fn difficulties_ui(ui: &mut Ui, progress: &Progress) {
    if progress.difficulties.is_empty() {
        return;
    }
    ui.add_space(8.0);
    ui.label(RichText::new("By difficulty").strong());
    rows(ui, "difficulties", |ui| {
        for one in &progress.difficulties {
            let name = capitalised(one.difficulty.name());
            row(ui, &name, format!("{} of {} right", one.right, one.answers));
        }
    });
}

fn boxes_ui(ui: &mut Ui, progress: &Progress) {
    ui.add_space(8.0);
    ui.label(RichText::new("Mistakes").strong())
        .on_hover_text("A mistake comes back after 4, 12, 36 and 108 cases, or after 1, 3, 7 and 21 days; answered rightly each time it is learnt, answered wrongly it begins anew");
    let due = match progress.due {
        0 => "none is due".to_owned(),
        n => format!("{n} due, they come first"),
    };
    let boxes: Vec<String> = progress.boxes.iter().map(ToString::to_string).collect();
    rows(ui, "boxes", |ui| {
        row(ui, "To be practised", due);
        row(ui, "In the boxes", boxes.join(" · "));
        row(ui, "Learnt", progress.learnt.to_string());
    });
}

fn reads_ui(ui: &mut Ui, progress: &Progress) {
    let reads = &progress.reads;
    if reads.reads == 0 {
        return;
    }
    ui.add_space(8.0);
    ui.label(RichText::new("Real reads").strong());
    rows(ui, "reads", |ui| {
        row(ui, "Committed before the outlines", reads.reads.to_string());
        if reads.confusion.count() > 0 {
            row(ui, "Kappa with the rule", kappa_words(reads.weighted_kappa));
        }
    });
    if reads.confusion.count() > 0 {
        ui.label(
            RichText::new("Rows: the rule on the outlines; columns: you. Neither is the truth.")
                .small()
                .color(caution(ui)),
        );
        grid_ui(ui, &reads.confusion, "rule");
    }
}
