/* Prints Flite's phones with their end times and writes its synthesis parameters instead of sound.
 *
 * usage: teacher VOICE LINES PHONES PARAMETERS
 * PHONES: a line for each input line: first frame, frames, then phone:end in seconds; a tab; the words.
 * PARAMETERS: float32, one row per 5 ms: F0 in Hz (0 unvoiced), 25 mel cepstra, 5 band strengths.
 */
#include <flite.h>
#include <cst_cg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cst_voice *register_cmu_us_slt(const char *);
cst_voice *register_cmu_us_rms(const char *);

static struct { int frames, channels; float *rows; } taken;

/* Linked before libflite's own, so that the parameters are taken and no waveform is made. */
cst_wave *mlsa_resynthesis(const cst_track *params, const cst_track *strengths, cst_cg_db *db,
                           cst_audio_streaming_info *asi, int flags) {
  int bands = strengths ? strengths->num_channels : 0;
  (void)db; (void)asi; (void)flags;
  free(taken.rows);
  taken.frames = params->num_frames;
  taken.channels = params->num_channels + bands;
  taken.rows = malloc(sizeof(float) * taken.frames * taken.channels);
  for (int i = 0; i < taken.frames; i++) {
    float *row = taken.rows + (long)i * taken.channels;
    memcpy(row, params->frames[i], sizeof(float) * params->num_channels);
    if (bands) memcpy(row + params->num_channels, strengths->frames[i], sizeof(float) * bands);
  }
  cst_wave *wave = new_wave();
  cst_wave_resize(wave, 16, 1);
  wave->sample_rate = 16000;
  return wave;
}

static void print_phones(FILE *out, cst_utterance *utterance, long first) {
  fprintf(out, "%ld %d", first, taken.frames);
  cst_item *item = relation_head(utt_relation(utterance, "Segment"));
  for (; item; item = item_next(item)) {
    const char *name = item_feat_string(item, "name");
    const char *stress = ffeature_string(item, "R:SylStructure.parent.stress");
    fprintf(out, " %s%s:%.4f", name, name[0] && strchr("aeiou", name[0]) ? stress : "", item_feat_float(item, "end"));
  }
  fprintf(out, "\t");
  for (item = relation_head(utt_relation(utterance, "Word")); item; item = item_next(item))
    fprintf(out, "%s ", item_feat_string(item, "name"));
  fprintf(out, "\n");
}

int main(int argc, char **argv) {
  char line[8192];
  long first = 0;
  if (argc != 5) { fprintf(stderr, "usage: teacher slt|rms LINES PHONES PARAMETERS\n"); return 2; }
  flite_init();
  cst_voice *voice = strcmp(argv[1], "rms") ? register_cmu_us_slt(0) : register_cmu_us_rms(0);
  FILE *in = fopen(argv[2], "r"), *phones = fopen(argv[3], "w"), *rows = fopen(argv[4], "wb");
  if (!in || !phones || !rows) { perror("teacher"); return 1; }
  while (fgets(line, sizeof line, in)) {
    cst_utterance *utterance = flite_synth_text(line, voice);
    if (!utterance) continue;
    print_phones(phones, utterance, first);
    fwrite(taken.rows, sizeof(float), (size_t)taken.frames * taken.channels, rows);
    first += taken.frames;
    delete_utterance(utterance);
  }
  if (fclose(phones) || fclose(rows)) { perror("teacher"); return 1; }
  return 0;
}
