//! What users rely on, room by room. One binary, so that everything is linked once.
#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "tests fail by panicking"
)]
mod audit;
mod cli;
mod cli_dicom;
mod cli_koos;
mod false_growth;
mod io_anonymise;
mod io_bench;
mod io_broken;
mod io_dicom;
mod io_dicom_bench;
mod io_dicom_broken;
mod io_dicom_out;
mod io_dicom_out_broken;
mod io_dicom_proposals;
mod io_dicom_reports;
mod io_fuzz;
mod io_golden;
mod io_streams;
mod io_write;
mod measure_agreement;
mod measure_geometry;
mod measure_growth;
mod measure_growth_map;
mod measure_koos;
mod measure_koos_evidence;
mod measure_phantoms;
mod measure_reader_study;
mod measure_tumour;
mod model_classifier;
mod model_conv3d;
mod model_engine;
mod model_forest;
mod model_layers;
mod model_translate;
mod model_unet;
mod patient_assess;
mod patient_cases;
mod patient_comparable;
mod patient_folder;
mod patient_forms;
mod patient_outlines;
mod patient_report;
mod phantom_course;
mod phantom_scanner;
mod phantom_training;
mod phantom_truth;
mod phantom_volumes;
mod predict_about_ears;
mod predict_nnunet;
mod predict_refusals;
mod predict_segment;
mod render_gpu;
mod render_shaders;
mod render_twin;
mod school_record;
mod train_folder;
mod train_koos;
mod train_recipe;
mod train_segmenter;
mod train_translate;
mod volume_fields;
mod volume_grid;
